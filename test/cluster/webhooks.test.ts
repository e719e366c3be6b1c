import assert from "node:assert/strict";
import { createServer, type Server } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { type CertificatePair, createAuthority, issueCertificate } from "../../src/lib/x509.ts";
import { type Access, type RawAnswer, send } from "./contract.ts";
import type { Step } from "./contract-cases/samples.ts";
import { type ScratchServer, startScratchServer } from "./scratch-server.ts";

interface Review {
  readonly request: {
    readonly uid: string;
    readonly operation: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly dryRun: boolean;
    readonly object: { readonly metadata: { readonly name: string }; readonly data?: Record<string, string> } | null;
    readonly oldObject: object | null;
    readonly subResource?: string;
    readonly userInfo: { readonly username: string };
  };
}

type Handle = (review: Review, path: string) => object | Promise<object>;

const group = "/apis/admissionregistration.k8s.io/v1";
const configMaps = "/api/v1/namespaces/default/configmaps";
const merge = "application/merge-patch+json";

describe("admission webhooks", () => {
  let scratch: ScratchServer;
  let access: Access;
  let authority: CertificatePair;
  let webhook: Server;
  /** Nobody listens there: that of a replica that has just died. */
  const deadPort = 1;
  let handle: Handle;
  let calls: { path: string; review: Review }[];

  const ask = (...step: Step) => send(access, step);
  const must = async (...step: Step): Promise<RawAnswer> => {
    const answer = await ask(...step);
    assert.ok(answer.code < 300, `${step[0]} ${step[1]}: ${answer.text}`);
    return answer;
  };
  const configMap = (name: string, data: Record<string, string> = {}) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name },
    data,
  });
  const configure = (kind: "Mutating" | "Validating", more: object = {}, name = "test") =>
    must("POST", `${group}/${kind.toLowerCase()}webhookconfigurations`, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: `${kind}WebhookConfiguration`,
      metadata: { name },
      webhooks: [
        {
          name: `${name}.example.com`,
          clientConfig: {
            service: { namespace: "default", name: "hook", path: `/${name}` },
            caBundle: Buffer.from(authority.certificate).toString("base64"),
          },
          rules: [
            {
              operations: ["CREATE", "UPDATE", "DELETE"],
              apiGroups: [""],
              apiVersions: ["v1"],
              resources: ["configmaps"],
            },
          ],
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
          ...more,
        },
      ],
    });

  before(async () => {
    scratch = await startScratchServer();
    access = scratch.access;
    const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
    authority = await createAuthority({ commonName: "webhooks", ...validity });
    const { certificate, key } = await issueCertificate(authority, {
      commonName: "hook",
      dnsNames: ["hook.default.svc"],
      usages: ["server"],
      ...validity,
    });
    webhook = createServer({ cert: certificate, key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.once("end", async () => {
        const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
        const path = new URL(request.url ?? "/", "https://x").pathname;
        calls.push({ path, review });
        const answer = { uid: review.request.uid, ...(await handle(review, path)) };
        response.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: answer }));
      });
    });
    await new Promise<void>((resolve) => webhook.listen(0, "127.0.0.1", resolve));

    await must("POST", "/api/v1/namespaces/default/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "hook" },
      spec: { ports: [{ name: "https", port: 443 }] },
    });
    const slice = (name: string, port: number) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { "kubernetes.io/service-name": "hook" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
      ports: [{ name: "https", port }],
    });
    const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    await must("POST", slices, slice("alive", (webhook.address() as AddressInfo).port));
    await must("POST", slices, slice("dead", deadPort));
  });

  beforeEach(async () => {
    calls = [];
    handle = () => ({ allowed: true });
    for (const plural of ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"])
      await must("DELETE", `${group}/${plural}`);
    await must("DELETE", configMaps);
  });

  after(async () => {
    webhook.close();
    webhook.closeAllConnections();
    await scratch.close();
  });

  const patch = (...operations: object[]) => ({
    allowed: true,
    patchType: "JSONPatch",
    patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
  });

  test("a mutating webhook changes what is stored, though half of its endpoints are dead", async () => {
    await configure("Mutating");
    handle = () => patch({ op: "add", path: "/data", value: { by: "webhook" } });
    for (const name of ["a", "b", "c", "d"]) {
      const { text } = await must("POST", configMaps, configMap(name));
      assert.deepEqual(JSON.parse(text).data, { by: "webhook" });
    }
    assert.deepEqual(
      calls.map(
        ({ path, review }) =>
          `${path} ${review.request.operation} ${review.request.name} ${review.request.userInfo.username}`,
      ),
      ["a", "b", "c", "d"].map((name) => `/test CREATE ${name} system:admin`),
    );
  });

  test("a validating webhook refuses with its own words and code", async () => {
    await configure("Validating");
    handle = ({ request }) => ({
      allowed: false,
      warnings: ["mind this"],
      status: { code: 422, message: `no ${request.operation}` },
    });
    const answer = await ask("POST", configMaps, configMap("a"));
    assert.equal(answer.code, 422);
    assert.equal(JSON.parse(answer.text).message, 'admission webhook "test.example.com" denied the request: no CREATE');
    assert.equal([answer.headers["warning"]].flat()[0], '299 - "mind this"');
    assert.equal((await ask("GET", `${configMaps}/a`)).code, 404);
  });

  test("updates and deletions show the old object; deletions can be refused", async () => {
    await must("POST", configMaps, configMap("a", { v: "1" }));
    await configure("Validating");
    await must("PATCH", `${configMaps}/a`, { data: { v: "2" } }, merge);
    handle = ({ request }) => ({ allowed: request.operation !== "DELETE" });
    const refused = await ask("DELETE", `${configMaps}/a`);
    assert.equal(refused.code, 400);
    assert.match(JSON.parse(refused.text).message, /denied the request without explanation/);
    const [update, deletion] = calls.map(({ review }) => review.request);
    assert.deepEqual(
      [update!.operation, update!.object?.data, (update!.oldObject as { data: object }).data],
      ["UPDATE", { v: "2" }, { v: "1" }],
    );
    assert.equal(deletion?.object, null);
    handle = () => ({ allowed: true });
    await must("DELETE", `${configMaps}/a`);
  });

  test("selectors decide which objects are shown", async () => {
    await configure("Validating", { objectSelector: { matchLabels: { checked: "yes" } } }, "by-object");
    await configure(
      "Validating",
      { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "other" } } },
      "by-namespace",
    );
    await must("POST", configMaps, configMap("a"));
    assert.equal(calls.length, 0);
    await must("PATCH", `${configMaps}/a`, { metadata: { labels: { checked: "yes" } } }, merge);
    assert.deepEqual(
      calls.map(({ path }) => path),
      ["/by-object"],
    );
    await must("PATCH", `${configMaps}/a`, { metadata: { labels: { checked: null } } }, merge);
    assert.equal(calls.length, 2, "an object that leaves the selection is shown as well");
  });

  test("a webhook is called again when a later one has changed the object, if it wants", async () => {
    await configure("Mutating", { reinvocationPolicy: "IfNeeded" }, "a-first");
    await configure("Mutating", {}, "b-second");
    handle = (_, path) =>
      path === "/b-second" ? patch({ op: "add", path: "/data", value: { second: "1" } }) : { allowed: true };
    await must("POST", configMaps, configMap("a"));
    assert.deepEqual(
      calls.map(({ path }) => path),
      ["/a-first", "/b-second", "/a-first"],
    );
  });

  test("dry runs reach only webhooks without side effects, and say so", async () => {
    await configure("Validating");
    await must("POST", `${configMaps}?dryRun=All`, configMap("a"));
    assert.equal(calls[0]?.review.request.dryRun, true);
  });

  test("a webhook that cannot be reached refuses, unless its failures are ignored", async () => {
    const unreachable = { clientConfig: { url: `https://127.0.0.1:${deadPort}/x` } };
    await configure("Validating", { ...unreachable, failurePolicy: "Ignore" });
    await must("POST", configMaps, configMap("a"));
    await configure("Validating", unreachable, "strict");
    const answer = await ask("POST", configMaps, configMap("b"));
    assert.equal(answer.code, 500);
    assert.match(
      JSON.parse(answer.text).message,
      /^Internal error occurred: failed calling webhook "strict.example.com": failed to call webhook: Post "https:\/\/127.0.0.1:\d+\/x\?timeout=10s": .*ECONNREFUSED/,
    );
  });

  test("a certificate of somebody else is not trusted", async () => {
    const other = await createAuthority({
      commonName: "other",
      notBefore: Date.now() - 60_000,
      notAfter: Date.now() + 3_600_000,
    });
    await configure("Validating", {
      clientConfig: {
        service: { namespace: "default", name: "hook" },
        caBundle: Buffer.from(other.certificate).toString("base64"),
      },
    });
    const answer = await ask("POST", configMaps, configMap("a"));
    assert.equal(answer.code, 500);
    assert.match(answer.text, /certificate/);
    assert.equal(calls.length, 0);
  });

  test("a slow webhook is given up after its timeout", async () => {
    await configure("Validating", {
      timeoutSeconds: 1,
      clientConfig: { url: `https://127.0.0.1:${await silentPort()}/x` },
    });
    const answer = await ask("POST", configMaps, configMap("a"));
    assert.match(JSON.parse(answer.text).message, /context deadline exceeded/);
  });

  const overtaken: readonly [string, (revision: string) => Step, number, object][] = [
    [
      "a patch that another write overtook at the webhook is made anew",
      () => ["PATCH", `${configMaps}/raced`, { data: { a: "1" } }, merge],
      200,
      { a: "1", b: "2" },
    ],
    [
      "an update that another write overtook at the webhook is refused",
      (revision) => {
        const { metadata, ...rest } = configMap("raced", { a: "1" });
        return ["PUT", `${configMaps}/raced`, { ...rest, metadata: { ...metadata, resourceVersion: revision } }];
      },
      409,
      { b: "2" },
    ],
  ];
  for (const [name, step, code, data] of overtaken) {
    test(name, async () => {
      const { text } = await must("POST", configMaps, configMap("raced"));
      await configure("Validating");
      const asked = Promise.withResolvers<void>();
      const overtook = Promise.withResolvers<void>();
      handle = async () => {
        if (calls.length === 1) {
          asked.resolve();
          await overtook.promise;
        }
        return { allowed: true };
      };
      const answer = ask(...step(JSON.parse(text).metadata.resourceVersion));
      await asked.promise;
      await must("PATCH", `${configMaps}/raced`, { data: { b: "2" } }, merge);
      overtook.resolve();
      assert.equal((await answer).code, code, (await answer).text);
      assert.deepEqual(JSON.parse((await must("GET", `${configMaps}/raced`)).text).data, data);
    });
  }

  const silentPort = async () => {
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    server.unref();
    after(() => server.close());
    return (server.address() as AddressInfo).port;
  };
});
