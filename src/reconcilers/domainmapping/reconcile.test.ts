import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apis/meta.ts";
import type { ClusterDomainClaim } from "../../apis/networking/clusterdomainclaim.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import type { DomainMapping } from "../../apis/serving/domainmapping.ts";
import type { KnativeService } from "../../apis/serving/service.ts";
import type { ConfigData } from "../../config/fields.ts";
import { parseServingConfig } from "../../config/serving-config.ts";
import { linesOf, testService } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { reconcileOnce } from "../../testing/table.ts";
import { domainMappingReconciler } from "./reconcile.ts";

const finalizerName = "domainmappings.serving.knative.dev";
const mapping: DomainMapping = {
  apiVersion: "serving.knative.dev/v1beta1",
  kind: "DomainMapping",
  metadata: { name: "shop.example.com", namespace: "ns", uid: "u1", generation: 1, finalizers: [finalizerName] },
  spec: { ref: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "hello", namespace: "ns" } },
};

function makeTarget(url?: string): KnativeService {
  return testService({ status: url === undefined ? {} : { address: { url } } });
}

function makeClaim(namespace: string): ClusterDomainClaim {
  const metadata = { name: "shop.example.com" };
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "ClusterDomainClaim",
    metadata,
    spec: { namespace },
  };
}

const split = { serviceName: "hello-00001", serviceNamespace: "ns", servicePort: 80, percent: 100 };
const ingressOfRoute = {
  apiVersion: "networking.internal.knative.dev/v1alpha1",
  kind: "Ingress",
  metadata: { name: "hello", namespace: "ns" },
  spec: {
    rules: [
      {
        hosts: ["hello.ns", "hello.ns.svc.cluster.local"],
        visibility: "ClusterLocal",
        http: { paths: [{ splits: [split] }] },
      },
    ],
  },
} as Ingress;

const rowOf = (
  objects: readonly KubeObject[],
  own = mapping,
  network: ConfigData = { "autocreate-cluster-domain-claims": "true" },
) => ({
  ...domainMappingReconciler,
  key: "ns/shop.example.com",
  objects: [own, ...objects],
  config: parseServingConfig({ "config-network": network }),
});
const run = (...parameters: Parameters<typeof rowOf>) => reconcileOnce(rowOf(...parameters));

function linesOfStatus({ statusUpdates }: { readonly statusUpdates: readonly KubeObject[] }): string[] {
  return linesOf((statusUpdates[0] as DomainMapping).status?.conditions);
}

const target = makeTarget("http://hello.ns.svc.cluster.local");

test("a domain is claimed and leads to its target over the target's name, while nothing more is known", async () => {
  const report = await run([target]);
  assert.deepEqual(
    report.creates.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ["ClusterDomainClaim shop.example.com", "Ingress shop.example.com"],
  );
  const [path] = (report.creates[1] as Ingress).spec.rules![0]!.http.paths;
  assert.equal(path?.rewriteHost, "hello.ns.svc.cluster.local");
  assert.equal(path?.splits[0]?.serviceName, "hello");
  assert.equal((report.statusUpdates[0] as DomainMapping).status?.url, "http://shop.example.com");
});

test("where the route has an Ingress, the domain leads straight to the revisions, in one pass through the gateway", async () => {
  const report = await run([target, ingressOfRoute, makeClaim("ns")]);
  const [rule] = (report.creates[0] as Ingress).spec.rules!;
  assert.deepEqual(rule, {
    hosts: ["shop.example.com"],
    visibility: "ExternalIP",
    http: { paths: [{ splits: [split] }] },
  });
});

const refusals: readonly [sentence: string, objects: readonly KubeObject[], line: string][] = [
  [
    "a domain of another namespace",
    [target, makeClaim("other")],
    "DomainClaimed=False DomainAlreadyClaimed: The domain name is already in use by another DomainMapping",
  ],
  [
    "a target that is not there",
    [],
    'ReferenceResolved=False ResolveFailed: failed to get object ns/hello: services.serving.knative.dev "hello" not found',
  ],
  [
    "a target with a path",
    [makeTarget("http://hello.ns.svc.cluster.local/x")],
    'ReferenceResolved=False ResolveFailed: resolved URI "http://hello.ns.svc.cluster.local/x" contains a path',
  ],
  [
    "a target of another namespace",
    [makeTarget("http://hello.other.svc.cluster.local")],
    'ReferenceResolved=False ResolveFailed: resolved URI "http://hello.other.svc.cluster.local" must be in same namespace as DomainMapping',
  ],
  [
    "a target outside of the cluster",
    [makeTarget("http://example.com")],
    'ReferenceResolved=False ResolveFailed: resolved URI "http://example.com" must be of the form {name}.{namespace}.svc.cluster.local',
  ],
  [
    "a target whose address names no namespace",
    [makeTarget("http://hello.svc.cluster.local")],
    'ReferenceResolved=False ResolveFailed: resolved URI "http://hello.svc.cluster.local" must be of the form {name}.{namespace}.svc.cluster.local',
  ],
  [
    "a target whose address has a part too many",
    [makeTarget("http://x.hello.ns.svc.cluster.local")],
    'ReferenceResolved=False ResolveFailed: resolved URI "http://x.hello.ns.svc.cluster.local" must be of the form {name}.{namespace}.svc.cluster.local',
  ],
  [
    "a target without an address",
    [makeTarget()],
    "ReferenceResolved=False ResolveFailed: address not set for Kind = Service, Namespace = ns, Name = hello, APIVersion = serving.knative.dev/v1, Group = , Address = ",
  ],
];
for (const [sentence, objects, line] of refusals) {
  test(`${sentence} is told in the status, and no Ingress is made`, async () => {
    const report = await run(objects);
    assert.ok(
      linesOfStatus(report).includes(line.trimEnd()) || linesOfStatus(report).includes(line),
      linesOfStatus(report).join("\n"),
    );
    assert.ok(!report.creates.some(({ kind }) => kind === "Ingress"));
    assert.ok(report.error);
  });
}

test("without leave to claim, an unclaimed domain is refused", async () => {
  const report = await run([target], mapping, { "autocreate-cluster-domain-claims": "false" });
  assert.ok(linesOfStatus(report).some((line) => line.startsWith("DomainClaimed=False DomainAlreadyClaimed")));
});

test("where no provider answers for a certificate, that is said", async () => {
  const network = { "external-domain-tls": "enabled", "http-protocol": "redirected" };
  const first = await run([target, makeClaim("ns")], mapping, network);
  const asked = first.creates.find(({ kind }) => kind === "Certificate")!;
  const silent = { ...asked, metadata: { ...asked.metadata, creationTimestamp: "2024-01-01T00:00:00Z" } };
  const at = async (now: string) => {
    const row = rowOf([target, makeClaim("ns"), silent], mapping, network);
    const { outcome } = await reconcileOnce({ ...row, now });
    const line = linesOf(outcome?.status?.conditions).find((text) => text.startsWith("CertificateProvisioned"));
    return [line, outcome?.requeueAfterMs];
  };
  const said = "CertificateProvisioned=Unknown CertificateNotReady: Certificate shop.example.com is not ready.";
  assert.deepEqual(await at("2024-01-01T00:00:07Z"), [said, 3000]);
  const silence =
    'No certificate provider has answered; is one of class "cert-manager.certificate.networking.knative.dev" installed?';
  assert.deepEqual(await at("2024-01-01T00:00:10Z"), [`${said} ${silence}`, undefined]);
});

test("a certificate of one's own makes the URL https and goes to the network layer", async () => {
  const report = await run([target], { ...mapping, spec: { ...mapping.spec, tls: { secretName: "mine" } } });
  const ingress = report.creates.find(({ kind }) => kind === "Ingress") as Ingress;
  assert.deepEqual(ingress.spec.tls, [{ hosts: ["shop.example.com"], secretName: "mine", secretNamespace: "ns" }]);
  assert.equal((report.statusUpdates[0] as DomainMapping).status?.url, "https://shop.example.com");
});

test("the claim goes with the mapping, unless it is another namespace's", async () => {
  const gone = { ...mapping, metadata: { ...mapping.metadata, deletionTimestamp: "2024-01-01T00:00:00Z" } };
  const own = await run([makeClaim("ns")], gone);
  assert.deepEqual(
    own.deletes.map(({ resource, name }) => `${resource} ${name}`),
    ["clusterdomainclaims shop.example.com"],
  );
  assert.deepEqual((await run([makeClaim("other")], gone)).deletes, []);
});

test("whatever error one write meets, the mapping ends as it would have without", async () => {
  const row = rowOf([target, ingressOfRoute], mapping, {
    "autocreate-cluster-domain-claims": "true",
    "external-domain-tls": "enabled",
  });
  await assertSurvivesFaults(row);
});
