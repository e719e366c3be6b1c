import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Endpoints } from "../apis/core/endpoints.ts";
import type { Secret } from "../apis/core/secret.ts";
import type { Service } from "../apis/core/service.ts";
import type { Gateway } from "../apis/istio/gateway.ts";
import type { VirtualService } from "../apis/istio/virtualservice.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { Ingress } from "../apis/networking/ingress.ts";
import { hashIngress } from "../apis/networking/ingress-hash.ts";
import type { ConfigData } from "../config/fields.ts";
import { parseServingConfig } from "../config/serving-config.ts";
import { createAuthority, issueCertificate } from "../lib/x509.ts";
import { conditions, linesOf } from "../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../testing/settle.ts";
import { reconcileOnce, type World } from "../testing/table.ts";
import { listProbeTargets } from "./probe-targets.ts";
import { ingressReconciler } from "./reconcile.ts";

type Rule = NonNullable<Ingress["spec"]["rules"]>[number];

const finalizerName = "ingresses.networking.internal.knative.dev";
const split = {
  serviceName: "rev",
  serviceNamespace: "ns",
  servicePort: 80,
  percent: 100,
  appendHeaders: { "Knative-Serving-Revision": "rev" },
};
const localRule: Rule = {
  hosts: ["app.ns", "app.ns.svc", "app.ns.svc.cluster.local"],
  visibility: "ClusterLocal",
  http: { paths: [{ splits: [split] }] },
};
const publicRule: Rule = {
  hosts: ["app.ns.example.com"],
  visibility: "ExternalIP",
  http: { paths: [{ splits: [split] }] },
};

function makeIngress(spec: Ingress["spec"], metadata: Partial<Ingress["metadata"]> = {}): Ingress {
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Ingress",
    metadata: {
      name: "app",
      namespace: "ns",
      uid: "u1",
      generation: 1,
      labels: { "serving.knative.dev/route": "app", team: "blue" },
      annotations: { "networking.knative.dev/ingress.class": "istio.ingress.networking.knative.dev" },
      ...metadata,
    },
    spec,
  };
}

const rowOf = (ingress: Ingress, objects: readonly KubeObject[] = [], isProven = true, istio: ConfigData = {}) => ({
  ...ingressReconciler,
  key: "ns/app",
  objects: [ingress, ...objects],
  config: parseServingConfig({ "config-istio": istio }),
  deps: (world: World) => ingressReconciler.deps(world, { isProven: () => isProven, forget: () => {} }),
});
const run = (...parameters: Parameters<typeof rowOf>) => reconcileOnce(rowOf(...parameters));

function statusOf({ statusUpdates }: { readonly statusUpdates: readonly KubeObject[] }) {
  const { status } = statusUpdates[0] as Ingress;
  return { ...status, lines: linesOf(status?.conditions) };
}

const gatewayService = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "istio-ingressgateway", namespace: "istio-system", labels: { istio: "ingressgateway" } },
  spec: {
    selector: { istio: "ingressgateway" },
    ports: [
      { name: "http2", port: 80, targetPort: 8080 },
      { name: "https", port: 443, targetPort: 8443 },
    ],
  },
} as unknown as Service;

describe("an Ingress", () => {
  test("becomes a VirtualService for the mesh and one for the gateway, each with a probe of its present state", async () => {
    const ingress = makeIngress({ rules: [localRule] });
    const report = await run(ingress);
    const made = report.creates as VirtualService[];
    assert.deepEqual(
      made.map(({ metadata }) => metadata.name),
      ["app-mesh", "app-ingress"],
    );
    const [probe, route] = made[1]!.spec.http!;
    assert.deepEqual(probe?.match, [
      {
        gateways: ["knative-serving/knative-local-gateway"],
        authority: { prefix: "app.ns" },
        headers: { "K-Network-Hash": { exact: "override" } },
      },
    ]);
    assert.equal(probe?.headers?.request?.set?.["K-Network-Hash"], hashIngress(ingress));
    assert.deepEqual(route, {
      match: [{ gateways: ["knative-serving/knative-local-gateway"], authority: { prefix: "app.ns" } }],
      route: [
        {
          destination: { host: "rev.ns.svc.cluster.local", port: { number: 80 } },
          weight: 100,
          headers: { request: { set: { "Knative-Serving-Revision": "rev" } } },
        },
      ],
      retries: {},
    });
    assert.deepEqual(made[1]!.metadata.labels, {
      "serving.knative.dev/route": "app",
      "networking.internal.knative.dev/ingress": "app",
    });
    assert.deepEqual(made[1]!.metadata.annotations, ingress.metadata.annotations);
    assert.deepEqual(report.patches, [], "nothing has to be cleaned up later, so there is no finalizer");
    assert.equal(report.outcome?.requeueAfterMs, undefined);
  });

  test("shows the mesh nothing of its public rules", async () => {
    const [mesh] = (await run(makeIngress({ rules: [publicRule, localRule] }))).creates as VirtualService[];
    assert.deepEqual(mesh!.spec.hosts, localRule.hosts);
    assert.deepEqual(
      mesh!.spec.http?.map(({ match }) => match?.map(({ authority }) => authority?.prefix)),
      [["app.ns"], ["app.ns"]],
    );
  });

  test("is ready once the gateways have proven it, and says where they are", async () => {
    const status = statusOf(await run(makeIngress({ rules: [localRule, publicRule] })));
    assert.deepEqual(status.lines, ["LoadBalancerReady=True", "NetworkConfigured=True", "Ready=True"]);
    assert.deepEqual(status.privateLoadBalancer?.ingress, [
      { domainInternal: "knative-local-gateway.istio-system.svc.cluster.local" },
    ]);
    assert.deepEqual(status.publicLoadBalancer?.ingress, [
      { domainInternal: "istio-ingressgateway.istio-system.svc.cluster.local" },
    ]);
  });

  test("puts right what somebody changed of its VirtualServices, and leaves them alone otherwise", async () => {
    const ingress = makeIngress({ rules: [localRule] });
    const { creates } = await run(ingress);
    const [mesh, gateway] = creates as VirtualService[];
    assert.deepEqual((await run(ingress, [mesh!, gateway!])).updates, []);
    const changed = { ...gateway!, spec: { ...gateway!.spec, hosts: ["elsewhere"] } };
    const report = await run(ingress, [mesh!, changed]);
    assert.deepEqual(
      report.updates.map(({ metadata, spec }: KubeObject & { spec?: unknown }) => [metadata.name, spec]),
      [["app-ingress", gateway!.spec]],
    );
    assert.deepEqual(report.events, ["Normal Updated Updated VirtualService ns/app-ingress"]);
  });

  test("waits for the proof", async () => {
    const { lines } = statusOf(await run(makeIngress({ rules: [localRule] }), [], false));
    assert.ok(lines.includes("Ready=Unknown Uninitialized: Waiting for load balancer to be ready"));
  });

  test("that was proven as it is now is not proven anew", async () => {
    const proven = makeIngress({ rules: [localRule] });
    const status = { ...conditions({ Ready: "True", LoadBalancerReady: "True" }) };
    const { lines } = statusOf(await run({ ...proven, status } as Ingress, [], false));
    assert.deepEqual(lines, ["LoadBalancerReady=True", "NetworkConfigured=True", "Ready=True"]);
  });

  test("stored without shares sends all to its one split, and none to one of several", async () => {
    const { percent: _, ...open } = split;
    const weightsOf = async (...splits: (typeof open)[]) => {
      const { creates } = await run(makeIngress({ rules: [{ ...localRule, http: { paths: [{ splits }] } }] }));
      const route = (creates[0] as VirtualService).spec.http!.at(-1)!.route!;
      return route.map(({ destination, weight }) => [destination.host, weight]);
    };
    assert.deepEqual(await weightsOf(open), [["rev.ns.svc.cluster.local", 100]]);
    const other = { ...open, serviceName: "other", percent: 100 };
    assert.deepEqual(await weightsOf(open, other), [
      ["rev.ns.svc.cluster.local", undefined],
      ["other.ns.svc.cluster.local", 100],
    ]);
  });

  const othersAnnotations: [string, Record<string, string>][] = [
    ["another class", { "networking.knative.dev/ingress.class": "other" }],
    ["an empty class", { "networking.knative.dev/ingress.class": "" }],
    ["no class", {}],
  ];
  for (const [name, annotations] of othersAnnotations) {
    test(`of ${name} is left alone`, async () => {
      assert.deepEqual((await run(makeIngress({ rules: [localRule] }, { annotations }))).actions, []);
    });
  }

  test("says so when somebody else has the VirtualService's name", async () => {
    const taken = {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "VirtualService",
      metadata: { name: "app-mesh", namespace: "ns" },
      spec: {},
    } as VirtualService;
    const report = await run(makeIngress({ rules: [localRule] }), [taken]);
    assert.ok(
      statusOf(report).lines.includes(
        'NetworkConfigured=False NotOwned: There is an existing VirtualService "app-mesh" that we do not own.',
      ),
    );
    assert.ok(report.error);
  });

  test("takes back VirtualServices that it has no more use for", async () => {
    const ingress = makeIngress({ rules: [publicRule] });
    const [mesh] = (await run(makeIngress({ rules: [localRule] }))).creates;
    assert.deepEqual(
      (await run(ingress, [mesh!])).deletes.map(({ name }) => name),
      ["app-mesh"],
    );
  });

  test("that must use TLS gets a Gateway of its own, which redirects", async () => {
    const report = await run(makeIngress({ rules: [publicRule], httpOption: "Redirected" }), [gatewayService]);
    const gateway = report.creates.find(({ kind }) => kind === "Gateway") as Gateway;
    assert.deepEqual(gateway.spec.servers, [
      {
        hosts: ["app.ns.example.com"],
        port: { name: "http-server", number: 80, protocol: "HTTP" },
        tls: { httpsRedirect: true },
      },
    ]);
    const service = report.creates.find(({ metadata }) => metadata.name === "app-ingress") as VirtualService;
    assert.deepEqual(service.spec.gateways, [`ns/${gateway.metadata.name}`]);
  });
});

describe("an Ingress with a certificate", async () => {
  const period = { notBefore: Date.parse("2024-01-01T00:00:00Z"), notAfter: Date.parse("2034-01-01T00:00:00Z") };
  const authority = await createAuthority({ commonName: "test", ...period });
  const makeSecret = async (dnsName: string): Promise<Secret> => {
    const issued = await issueCertificate(authority, {
      commonName: dnsName,
      dnsNames: [dnsName],
      usages: ["server"],
      ...period,
    });
    const encode = (text: string) => Buffer.from(text).toString("base64");
    const data = { "tls.crt": encode(issued.certificate), "tls.key": encode(issued.key) };
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cert", namespace: "ns", uid: "s1" },
      type: "kubernetes.io/tls",
      data,
    };
  };
  const tls = [{ hosts: ["app.ns.example.com"], secretName: "cert", secretNamespace: "ns" }];
  const secret = await makeSecret("app.ns.example.com");
  const ingress = makeIngress({ rules: [publicRule], tls, httpOption: "Enabled" });

  test("has it copied beside the gateway, which serves it", async () => {
    const report = await run(ingress, [gatewayService, secret]);
    const copy = report.creates.find(({ kind }) => kind === "Secret") as Secret;
    assert.equal(`${copy.metadata.namespace}/${copy.metadata.name}`, "istio-system/app-s1");
    assert.deepEqual(copy.data, secret.data);
    assert.equal(copy.type, "kubernetes.io/tls");
    assert.equal(copy.metadata.annotations, undefined);
    const { spec } = report.creates.find(({ kind }) => kind === "Gateway") as Gateway;
    assert.deepEqual(
      spec.servers?.map(({ port, tls: served }) => [port.name, port.number, served?.credentialName]),
      [
        ["ns/app:0", 443, "app-s1"],
        ["http-server", 80, undefined],
      ],
    );
    assert.equal(report.patches.length, 1, "a finalizer, for the copy's sake");
    assert.equal(report.outcome?.requeueAfterMs, 300_000, "a renewed certificate is noticed");
  });

  test("for a whole domain shares one Gateway with the others under it", async () => {
    const report = await run(ingress, [gatewayService, await makeSecret("*.ns.example.com")]);
    const names = report.creates.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    assert.ok(names.includes("Secret ns--cert-wildcard"), names.join());
    const shared = report.creates.find(({ metadata }) => metadata.name.startsWith("wildcard-")) as Gateway;
    assert.deepEqual(shared.spec.servers?.[0]?.hosts, ["*.ns.example.com"]);
  });

  test("is not served over plain HTTP where that is switched off", async () => {
    const { httpOption: _, ...spec } = ingress.spec;
    const report = await run(makeIngress(spec), [gatewayService, secret]);
    const gateways = report.creates.filter(({ kind }) => kind === "Gateway") as Gateway[];
    assert.deepEqual(
      gateways.flatMap(({ spec: { servers = [] } }) => servers.map(({ port }) => port.name)),
      ["ns/app:0"],
    );
  });

  test("and another has a server for each, in order", async () => {
    const rule = (host: string): Rule => ({ ...publicRule, hosts: [host] });
    const entry = (host: string) => ({ hosts: [host], secretName: "cert", secretNamespace: "ns" });
    const two = makeIngress({ rules: [rule("b.io"), rule("a.io")], tls: [entry("b.io"), entry("a.io")] });
    const report = await run(two, [gatewayService, secret]);
    const { spec } = report.creates.find(({ kind }) => kind === "Gateway") as Gateway;
    assert.deepEqual(
      spec.servers?.map(({ port, hosts }) => [port.name, hosts]),
      [
        ["ns/app:0", ["b.io"]],
        ["ns/app:1", ["a.io"]],
      ],
    );
  });

  test("that was renewed is copied anew", async () => {
    const made = (await run(ingress, [gatewayService, secret])).creates;
    const renewed = await makeSecret("app.ns.example.com");
    const report = await run(ingress, [gatewayService, renewed, ...made]);
    const updated = report.updates.filter(({ kind }) => kind === "Secret") as Secret[];
    assert.deepEqual(
      updated.map(({ metadata, data }) => [metadata.name, data]),
      [["app-s1", renewed.data]],
    );
  });

  test("whose Secret has a name longer than labels may be has it told by the copy's annotation", async () => {
    const name = "c".repeat(64);
    const long = { ...secret, metadata: { ...secret.metadata, name } };
    const named = makeIngress({ ...ingress.spec, tls: [{ ...tls[0]!, secretName: name }] });
    const report = await run(named, [gatewayService, long]);
    const { metadata } = report.creates.find(({ kind }) => kind === "Secret") as Secret;
    const label = "networking.internal.knative.dev/originSecretName";
    assert.deepEqual(metadata.annotations, { [label]: name });
    assert.equal(metadata.labels?.[label]?.length, 63);
  });

  test("takes the copy with it", async () => {
    const made = (await run(ingress, [gatewayService, secret])).creates;
    const gone = makeIngress(ingress.spec, { deletionTimestamp: "2024-01-01T00:00:00Z", finalizers: [finalizerName] });
    const report = await run(gone, [gatewayService, ...made]);
    assert.deepEqual(
      report.deletes.map(({ resource, name }) => `${resource} ${name}`),
      ["secrets app-s1"],
    );
  });

  test("that is missing is told, and tried again", async () => {
    const report = await run(ingress, [gatewayService]);
    assert.match(String(report.error), /cert/);
    assert.ok(statusOf(report).lines.includes("Ready=Unknown ReconcileIngressFailed: Ingress reconciliation failed"));
  });

  test("ends as it would have whatever error one write meets", async () => {
    const row = rowOf(makeIngress({ ...ingress.spec, rules: [localRule, publicRule] }), [gatewayService, secret]);
    await assertSurvivesFaults(row);
  });
});

describe("what is probed", () => {
  const gatewayOf = (name: string, number: number): Gateway => ({
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Gateway",
    metadata: { name, namespace: "knative-serving" },
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [{ hosts: ["*"], port: { name: "http", number, protocol: "HTTP" } }],
    },
  });
  const gateways = [gatewayOf("knative-ingress-gateway", 80), gatewayOf("knative-local-gateway", 8081)];
  const localService = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "knative-local-gateway", namespace: "istio-system" },
    spec: { selector: { istio: "ingressgateway" }, ports: [{ name: "http2", port: 80, targetPort: 8081 }] },
  } as unknown as Service;
  const endpointsOf = (name: string, ports: Record<string, number>): Endpoints => ({
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, namespace: "istio-system" },
    subsets: [
      {
        addresses: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }],
        ports: Object.entries(ports).map(([portName, port]) => ({ name: portName, port })),
      },
    ],
  });
  const find = <T extends KubeObject>(objects: readonly T[]) => ({
    get: ({ name, namespace }: { readonly name: string; readonly namespace?: string }) =>
      objects.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace),
    list: ({ labels = {} }: { readonly labels?: Readonly<Record<string, string>> } = {}) =>
      objects.filter(({ metadata }) =>
        Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value),
      ),
  });
  const targets = (ingress: Ingress, services = [gatewayService, localService], present = gateways) =>
    listProbeTargets(ingress, parseServingConfig({}).istio, {
      gateways: find(present),
      services: find(services),
      endpoints: find([
        endpointsOf("istio-ingressgateway", { http2: 8080, https: 8443 }),
        endpointsOf("knative-local-gateway", { http2: 8081 }),
      ]),
    }).map(({ scheme, host, address, port }) => `${scheme} ${host} ${address}:${port}`);

  test("is every pod of the cluster-local gateway too, whose port only a Service of its own opens", () => {
    assert.deepEqual(targets(makeIngress({ rules: [localRule] })), [
      "http app.ns 10.0.0.1:8081",
      "http app.ns 10.0.0.2:8081",
    ]);
  });

  test("is every gateway that carries the Ingress", () => {
    assert.deepEqual(targets(makeIngress({ rules: [localRule, publicRule] })), [
      "http app.ns 10.0.0.1:8081",
      "http app.ns 10.0.0.2:8081",
      "http app.ns.example.com 10.0.0.1:8080",
      "http app.ns.example.com 10.0.0.2:8080",
    ]);
  });

  test("is not a Service that selects nothing, nor one that selects other pods", () => {
    const impostor = (selector: Record<string, string> | undefined) =>
      ({ ...localService, spec: { ...localService.spec, selector } }) as Service;
    const ingress = makeIngress({ rules: [publicRule] });
    for (const selector of [undefined, {}, { istio: "other" }]) {
      assert.deepEqual(targets(ingress, [impostor(selector)], [gatewayOf("knative-ingress-gateway", 8081)]), []);
    }
  });

  for (const [name, server, schemes] of [
    ["plain HTTP", { port: { name: "p", number: 80, protocol: "HTTP" } }, ["http"]],
    ["HTTP/2 without TLS", { port: { name: "p", number: 80, protocol: "HTTP2" } }, ["http"]],
    [
      "plain HTTP that only leads to TLS",
      { port: { name: "p", number: 80, protocol: "HTTP" }, tls: { httpsRedirect: true } },
      [],
    ],
    ["TLS", { port: { name: "p", number: 443, protocol: "HTTPS" }, tls: { mode: "SIMPLE" } }, ["https"]],
    [
      "TLS that wants a certificate of who asks",
      { port: { name: "p", number: 443, protocol: "HTTPS" }, tls: { mode: "MUTUAL" } },
      [],
    ],
    ["TCP", { port: { name: "p", number: 443, protocol: "TCP" } }, []],
  ] as const) {
    test(`is ${schemes[0] ?? "no port"} where the gateway speaks ${name}`, () => {
      const gateway = gatewayOf("knative-ingress-gateway", 0);
      const spec = { ...gateway.spec, servers: [{ hosts: ["*"], ...server }] } as Gateway["spec"];
      const found = targets(makeIngress({ rules: [publicRule] }), [gatewayService], [{ ...gateway, spec }]);
      assert.deepEqual([...new Set(found.map((target) => target.split(" ")[0]))], schemes);
    });
  }

  test("is nothing where no Service leads to a gateway", () => {
    assert.deepEqual(targets(makeIngress({ rules: [publicRule] }), []), []);
  });

  test("needs the configured Gateway", () => {
    const config = parseServingConfig({
      "config-istio": { "local-gateway.ns.other": "other.ns.svc.cluster.local" },
    }).istio;
    const sources = { gateways: find(gateways), services: find([gatewayService]), endpoints: find<Endpoints>([]) };
    assert.throws(() => listProbeTargets(makeIngress({ rules: [localRule] }), config, sources), /Gateway "ns\/other"/);
  });
});

const maker = { apiVersion: "serving.knative.dev/v1", kind: "Route", name: "app", uid: "r1", controller: true };
for (const [name, ownerReferences, waitMs] of [
  ["that a Route made", [maker], 3000],
  ["of nobody", [], undefined],
] as const) {
  test(`an Ingress ${name}, ready and changed, may wait ${waitMs ?? 0} ms to say that it is to be proven again`, async () => {
    const changed = makeIngress({ rules: [localRule] }, { generation: 2, ownerReferences: [...ownerReferences] });
    const status = { ...conditions({ Ready: "True", LoadBalancerReady: "True" }) };
    const { outcome } = await run({ ...changed, status } as Ingress, [], false);
    assert.equal(outcome?.statusMayWaitMs, waitMs);
  });
}
