import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service } from "../../apis/core/service.ts";
import { controllerReference, type KubeObject } from "../../apis/meta.ts";
import type { Certificate } from "../../apis/networking/certificate.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import type { Route } from "../../apis/serving/route.ts";
import type { ConfigData } from "../../config/fields.ts";
import { parseServingConfig } from "../../config/serving-config.ts";
import {
  conditions,
  linesOf,
  type Overrides,
  testConfiguration,
  testRevision,
  testRoute,
} from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { reconcileOnce } from "../../testing/table.ts";
import { routeReconciler } from "./reconcile.ts";

type Maps = Readonly<Record<string, ConfigData>>;

const rowOf = (objects: readonly KubeObject[], maps: Maps = {}) => ({
  ...routeReconciler,
  key: "ns/hello",
  objects,
  config: parseServingConfig(maps),
});
const run = (objects: readonly KubeObject[], maps: Maps = {}) => reconcileOnce(rowOf(objects, maps));

const ready = conditions({ Ready: "True" });
const configuration = testConfiguration({ status: { ...ready, latestReadyRevisionName: "hello-00002" } });
const revisions = [testRevision(1, { status: ready }), testRevision(2, { status: ready })];
const world = [configuration, ...revisions];
const publicDomain = { "config-domain": { "example.com": "" } };
const localPlaces = [{ domainInternal: "knative-local-gateway.istio-system.svc.cluster.local" }];

function owned(route: Route): Pick<KubeObject["metadata"], "namespace" | "ownerReferences"> {
  return { namespace: "ns", ownerReferences: [controllerReference(route)] };
}

/** What the route made before, and what the network layer says about it. */
async function madeFor(route: Route, status: object, maps: Maps = {}): Promise<KubeObject[]> {
  const { creates } = await run([route, ...world], maps);
  return creates.map((object) => (object.kind === "Ingress" ? judged(object, status) : object));
}

/** What is stored of a child once it was judged. */
function judged(object: KubeObject | undefined, status: object): KubeObject {
  return { ...object!, metadata: { ...object!.metadata, generation: 1 }, status } as KubeObject;
}

function statusOf(report: { readonly statusUpdates: readonly KubeObject[] }): NonNullable<Route["status"]> {
  return (report.statusUpdates[0] as Route).status!;
}

describe("a route", () => {
  test("holds its name, asks the network layer, and tells its traffic", async () => {
    const report = await run([testRoute(), ...world]);
    assert.deepEqual(
      report.actions.map(({ verb, resource, name }) => `${verb} ${resource} ${name}`),
      ["create services hello", "create ingresses hello", "updateStatus routes hello"],
    );
    const status = statusOf(report);
    assert.equal(status.url, "http://hello.ns.svc.cluster.local");
    assert.deepEqual(status.traffic, [{ revisionName: "hello-00002", latestRevision: true, percent: 100 }]);
    assert.deepEqual(linesOf(status.conditions), [
      "AllTrafficAssigned=True",
      "CertificateProvisioned=True TLSNotEnabled: external-domain-tls is not enabled",
      "IngressReady=Unknown IngressNotConfigured: Ingress has not yet been reconciled.",
      "Ready=Unknown IngressNotConfigured: Ingress has not yet been reconciled.",
    ]);
    assert.deepEqual(report.events, [
      'Normal Created Created placeholder service "hello"',
      'Normal Created Created Ingress "hello"',
    ]);
  });

  test("is ready once the network layer is, and leads its name there", async () => {
    const route = testRoute();
    const ingressStatus = { ...ready, privateLoadBalancer: { ingress: localPlaces } };
    const report = await run([route, ...world, ...(await madeFor(route, ingressStatus))]);
    const [service] = report.updates as Service[];
    assert.equal(report.updates.length, 1);
    assert.equal(service?.spec.externalName, "knative-local-gateway.istio-system.svc.cluster.local");
    assert.ok(linesOf(statusOf(report).conditions).includes("Ready=True"));
  });

  test("does not say that new traffic flows when the network layer could not be told", async () => {
    const route = testRoute();
    const made = await madeFor(route, { ...ready, privateLoadBalancer: { ingress: localPlaces } });
    const settled = (await run([route, ...world, ...made])).statusUpdates[0] as Route;
    assert.ok(linesOf(settled.status!.conditions).includes("Ready=True"));
    const rolled = testConfiguration({ status: { ...ready, latestReadyRevisionName: "hello-00001" } });
    const report = await reconcileOnce({
      ...rowOf([settled, rolled, ...revisions, ...made]),
      induce: [{ verb: "*", resource: "ingresses" }],
    });
    assert.ok(report.error);
    const { traffic, conditions } = (report.outcome?.status ?? settled.status) as NonNullable<Route["status"]>;
    assert.ok(linesOf(conditions).includes("Ready=True"), "one failed request takes no Route's readiness away");
    assert.deepEqual(
      traffic?.map(({ revisionName }) => revisionName),
      ["hello-00002"],
    );
  });

  test("keeps telling of the traffic that flows when new tags have no names", async () => {
    const route = testRoute();
    const made = await madeFor(route, { ...ready, privateLoadBalancer: { ingress: localPlaces } });
    const settled = (await run([route, ...world, ...made])).statusUpdates[0] as Route;
    const target = { configurationName: "hello", latestRevision: true, percent: 100, tag: "t".repeat(63) };
    const tagged = { ...settled, spec: { traffic: [target] } };
    const report = await run([tagged, ...world, ...made]);
    assert.match(String(report.error), /domain name error/);
    assert.deepEqual((report.outcome?.status as Route["status"])?.traffic, settled.status!.traffic);
  });

  test("does not take the server's defaults for a difference", async () => {
    const route = testRoute();
    const made = await madeFor(route, { privateLoadBalancer: { ingress: localPlaces } });
    const stored = made.map((object) => {
      if (object.kind !== "Service") return object;
      const { spec } = object as Service;
      const ports = spec.ports?.map((port) => ({ protocol: "TCP" as const, ...port }));
      const externalName = localPlaces[0]!.domainInternal;
      return { ...object, spec: { ...spec, externalName, ports, internalTrafficPolicy: "Cluster" } } as KubeObject;
    });
    assert.deepEqual((await run([route, ...world, ...stored])).updates, []);
  });

  test("waits for a revision that is not ready, and leaves the network as it is", async () => {
    const waiting = testConfiguration({ status: conditions({ Ready: "Unknown" }) });
    const report = await run([testRoute(), waiting]);
    assert.deepEqual(report.creates, []);
    assert.ok(
      linesOf(statusOf(report).conditions).includes(
        'AllTrafficAssigned=Unknown RevisionMissing: Configuration "hello" is waiting for a Revision to become ready.',
      ),
    );
  });

  const clashes: readonly [sentence: string, object: KubeObject, line: string][] = [
    [
      "says so when somebody else has its name",
      { apiVersion: "v1", kind: "Service", metadata: { name: "hello", namespace: "ns" }, spec: {} } as KubeObject,
      'IngressReady=False NotOwned: There is an existing placeholder Service "hello" that we do not own.',
    ],
    [
      "says so when somebody else has its Endpoints",
      { apiVersion: "v1", kind: "Endpoints", metadata: { name: "hello", namespace: "ns" } },
      'IngressReady=False NotOwned: There is an existing placeholder Endpoint "hello" that we do not own.',
    ],
  ];
  for (const [sentence, object, line] of clashes) {
    test(sentence, async () => {
      const report = await run([testRoute(), ...world, object]);
      assert.ok(linesOf(statusOf(report).conditions).includes(line));
      assert.match(String(report.error), /route: "hello" does not own/);
    });
  }

  test("gives every tag a name and a URL, and takes back those of tags that are gone", async () => {
    const traffic = [
      { configurationName: "hello", latestRevision: true, percent: 100 },
      { revisionName: "hello-00001", latestRevision: false, percent: 0, tag: "old" },
    ];
    const route = testRoute({ spec: { traffic } });
    const labels = { "serving.knative.dev/route": "hello" };
    const gone = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...owned(route), name: "gone-hello", labels },
      spec: {},
    } as KubeObject;
    const report = await run([route, ...world, gone], publicDomain);
    assert.deepEqual(
      report.deletes.map(({ name }) => name),
      ["gone-hello"],
    );
    assert.deepEqual(
      report.creates.map(({ metadata }) => metadata.name),
      ["hello", "old-hello", "hello"],
    );
    assert.equal(statusOf(report).traffic?.[1]?.url, "http://old-hello.ns.example.com");
    const { spec } = report.creates.at(-1) as Ingress;
    assert.deepEqual(
      spec.rules?.map(({ hosts, visibility }) => `${visibility} ${hosts?.at(-1)}`),
      [
        "ClusterLocal hello.ns.svc.cluster.local",
        "ExternalIP hello.ns.example.com",
        "ClusterLocal old-hello.ns.svc.cluster.local",
        "ExternalIP old-hello.ns.example.com",
      ],
    );
  });

  test("refuses a configured template that makes no domain name", async () => {
    const report = await run([testRoute(), ...world], {
      ...publicDomain,
      "config-network": { "domain-template": "{{.Name}}_{{.Domain}}" },
    });
    assert.ok(
      linesOf(statusOf(report).conditions).some((line) =>
        line.startsWith("AllTrafficAssigned=False ErrorConfig: domain name error:"),
      ),
    );
  });
});

describe("certificates of a route", () => {
  const maps: Maps = { ...publicDomain, "config-network": { "external-domain-tls": "enabled" } };
  const certificateOf = (overrides: Overrides<Certificate>): Certificate => ({
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Certificate",
    spec: { dnsNames: ["hello.ns.example.com"], secretName: "route-uid-Route-hello", domain: "example.com" },
    ...overrides,
    metadata: { ...owned(testRoute()), name: "route-uid-Route-hello", ...overrides.metadata },
  });

  test("are asked for, and plain HTTP serves until they are there", async () => {
    const report = await run([testRoute(), ...world], maps);
    const [certificate] = report.creates.filter(({ kind }) => kind === "Certificate") as Certificate[];
    assert.deepEqual(certificate?.spec.dnsNames, ["hello.ns.example.com"]);
    assert.equal(statusOf(report).url, "http://hello.ns.example.com");
    assert.ok(
      linesOf(statusOf(report).conditions).includes(
        "CertificateProvisioned=True HTTPDowngrade: Certificate route-uid-Route-hello is not ready downgrade HTTP.",
      ),
    );
  });

  test("make the URL https once they are ready, and are handed to the network layer", async () => {
    const report = await run(
      [testRoute(), ...world, certificateOf({ status: { conditions: ready.conditions } })],
      maps,
    );
    assert.equal(statusOf(report).url, "https://hello.ns.example.com");
    const ingress = report.creates.find(({ kind }) => kind === "Ingress") as Ingress;
    assert.deepEqual(ingress.spec.tls?.[0]?.hosts, ["hello.ns.example.com"]);
  });

  for (const [protocol, young] of [
    ["redirected", "Unknown CertificateNotReady: Certificate route-uid-Route-hello is not ready: "],
    ["enabled", "True HTTPDowngrade: Certificate route-uid-Route-hello is not ready downgrade HTTP."],
  ] as const) {
    test(`let the route say that no provider answers, with plain HTTP ${protocol}`, async () => {
      const silent = certificateOf({ metadata: { creationTimestamp: "2024-01-01T00:00:00Z" } });
      const config = { ...maps, "config-network": { ...maps["config-network"], "http-protocol": protocol } };
      const lineAt = async (now: string) => {
        const { outcome } = await reconcileOnce({ ...rowOf([testRoute(), ...world, silent], config), now });
        const line = linesOf(outcome?.status?.conditions).find((text) => text.startsWith("CertificateProvisioned"));
        return [line, outcome?.requeueAfterMs];
      };
      assert.deepEqual(await lineAt("2024-01-01T00:00:09Z"), [`CertificateProvisioned=${young}`, 1000]);
      assert.deepEqual(await lineAt("2024-01-01T00:00:10Z"), [
        `CertificateProvisioned=${young.trimEnd()} No certificate provider has answered; is one of class "cert-manager.certificate.networking.knative.dev" installed?`,
        undefined,
      ]);
    });
  }

  test("let the route say plainly why there is none", async () => {
    const failed = conditions({ Ready: ["False", "NoProvider", "nobody answers for this class"] });
    const report = await run([testRoute(), ...world, certificateOf({ status: { conditions: failed.conditions } })], {
      ...maps,
      "config-network": { "external-domain-tls": "enabled", "http-protocol": "redirected" },
    });
    assert.ok(
      linesOf(statusOf(report).conditions).includes(
        "CertificateProvisioned=False CertificateProvisionFailed: Certificate route-uid-Route-hello fails to be provisioned: NoProvider",
      ),
    );
  });

  test("are not asked for where a wildcard certificate of the domain covers the host", async () => {
    const wildcard = (dnsName: string) =>
      certificateOf({
        metadata: { name: "wildcard", labels: { "networking.knative.dev/wildcardDomain": "example.com" } },
        spec: { dnsNames: [dnsName], secretName: "wildcard" },
        status: { conditions: ready.conditions },
      });
    const covered = await run([testRoute(), ...world, wildcard("*.ns.example.com")], maps);
    assert.deepEqual(
      covered.creates.map(({ kind }) => kind),
      ["Service", "Ingress"],
    );
    const [tls] = (covered.creates[1] as Ingress).spec.tls ?? [];
    assert.deepEqual([tls?.hosts, tls?.secretName], [["hello.ns.example.com"], "wildcard"]);
    assert.ok(linesOf(statusOf(covered).conditions).includes("CertificateProvisioned=True"));
    const uncovered = await run([testRoute(), ...world, wildcard("*.other.example.com")], maps);
    assert.ok(uncovered.creates.some(({ kind }) => kind === "Certificate"));
  });

  test("for hosts that the route has no more are deleted, but for those of others", async () => {
    const labels = {
      "serving.knative.dev/route": "hello",
      "networking.knative.dev/certificate-type": "external-domain",
    };
    const old = certificateOf({
      metadata: { name: "old", labels },
      spec: { dnsNames: ["old.example.com"], secretName: "old" },
    });
    const foreign = { ...old, metadata: { ...old.metadata, name: "foreign", ownerReferences: [] } };
    const report = await run([testRoute(), ...world, old, foreign], maps);
    assert.deepEqual(
      report.deletes.map(({ resource, name }) => `${resource} ${name}`),
      ["certificates old"],
    );
    assert.ok(report.events.includes("Normal Deleted Deleted orphaned Knative Certificate ns/old"));
  });

  test("for hosts inside the cluster make the address https once they are all there", async () => {
    const local = { "config-network": { "cluster-local-domain-tls": "enabled" } };
    const asked = await run([testRoute(), ...world], local);
    const certificate = asked.creates.find(({ kind }) => kind === "Certificate") as Certificate;
    assert.equal(statusOf(asked).address?.url, "http://hello.ns.svc.cluster.local");
    const provided = { ...certificate, status: { conditions: ready.conditions } };
    const report = await run([testRoute(), ...world, provided], local);
    assert.equal(statusOf(report).address?.url, "https://hello.ns.svc.cluster.local");
    assert.ok(linesOf(statusOf(report).conditions).includes("CertificateProvisioned=True"));
  });

  describe("for hosts inside the cluster that several tags have", () => {
    const local = { "config-network": { "cluster-local-domain-tls": "enabled" } };
    const target = { configurationName: "hello", latestRevision: true };
    const route = testRoute({
      spec: { traffic: ["a", "b", "c"].map((tag, at) => ({ ...target, tag, percent: at === 0 ? 100 : 0 })) },
    });
    const run3 = async (statusByTag: Readonly<Record<string, Certificate["status"]>>) => {
      const asked = await run([route, ...world], local);
      const certificates = asked.creates.filter(({ kind }) => kind === "Certificate") as Certificate[];
      const provided = certificates.map((certificate) => {
        const [host = ""] = certificate.spec.dnsNames;
        const status = statusByTag[host.split("-").length > 1 ? host.split("-")[0]! : ""];
        return { ...certificate, ...(status && { status }) };
      });
      return statusOf(await run([route, ...world, ...provided], local));
    };
    const there = { conditions: ready.conditions };
    const failedOne = { conditions: [{ type: "Ready", status: "False" as const, reason: "Refused" }] };
    const underWay = { conditions: [{ type: "Ready", status: "Unknown" as const, reason: "Waiting" }] };

    test("tell of the one that failed, whichever tag comes last", async () => {
      const { conditions = [] } = await run3({ "": there, a: failedOne, b: underWay, c: there });
      assert.match(linesOf(conditions).join(), /CertificateProvisioned=False CertificateProvisionFailed: .*: Refused/);
    });

    test("tell of the one that is under way, whichever tag comes last", async () => {
      const { conditions = [] } = await run3({ "": there, a: underWay, b: there, c: there });
      assert.match(linesOf(conditions).join(), /CertificateProvisioned=Unknown CertificateNotReady: .*: Waiting/);
    });

    test("make the URLs https of those tags whose certificate is there", async () => {
      const { traffic = [], address } = await run3({ a: there, b: underWay, c: there });
      assert.deepEqual(
        traffic.map(({ url = "" }) => url.split("-")[0]),
        ["https://a", "http://b", "https://c"],
      );
      assert.equal(address?.url, "http://hello.ns.svc.cluster.local");
    });
  });

  test("of somebody else are left alone", async () => {
    const report = await run([testRoute(), ...world, certificateOf({ metadata: { ownerReferences: [] } })], maps);
    assert.ok(
      linesOf(statusOf(report).conditions).includes(
        "CertificateProvisioned=False CertificateNotOwned: There is an existing certificate route-uid-Route-hello that we don't own.",
      ),
    );
  });
});

describe("a gradual rollout", () => {
  const maps: Maps = { "config-network": { "rollout-duration": "100" } };
  const before = testConfiguration({ status: { ...ready, latestReadyRevisionName: "hello-00001" } });

  test("begins with 1 %, goes on by the clock, and survives a change of leader, since its state is on the Ingress", async () => {
    const route = testRoute({
      status: conditions({
        Ready: "True",
        IngressReady: "True",
        AllTrafficAssigned: "True",
        CertificateProvisioned: "True",
      }),
    });
    const old = await run([route, before, ...revisions], maps);
    const ingressBefore = judged(
      old.creates.find(({ kind }) => kind === "Ingress"),
      ready,
    );
    const first = await reconcileOnce({
      ...rowOf([route, ...world, ingressBefore], maps),
      now: "2024-01-01T00:00:00Z",
    });
    assert.deepEqual(
      statusOf(first).traffic?.map(({ percent }) => percent),
      [99, 1],
    );
    assert.ok(
      linesOf(statusOf(first).conditions).some((line) => line.startsWith("IngressReady=Unknown RolloutInProgress")),
    );

    const proven = judged(
      first.updates.find(({ kind }) => kind === "Ingress"),
      ready,
    );
    const waiting = { ...route, status: statusOf(first) };
    const second = await reconcileOnce({ ...rowOf([waiting, ...world, proven], maps), now: "2024-01-01T00:00:02Z" });
    assert.equal(second.outcome?.requeueAfterMs, 2000);
    const planned = judged(
      second.updates.find(({ kind }) => kind === "Ingress"),
      ready,
    );
    const third = await reconcileOnce({ ...rowOf([waiting, ...world, planned], maps), now: "2024-01-01T00:00:04Z" });
    assert.deepEqual(
      statusOf(third).traffic?.map(({ percent }) => percent),
      [97, 3],
    );
  });
});

describe("traffic that moves to a revision without pods", () => {
  const pods = (name: string, ips: readonly string[]): Endpoints => ({
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, namespace: "ns" },
    subsets: ips.length > 0 ? [{ addresses: ips.map((ip) => ({ ip })), ports: [{ name: "http", port: 8012 }] }] : [],
  });
  const settled = conditions({
    Ready: "True",
    IngressReady: "True",
    AllTrafficAssigned: "True",
    CertificateProvisioned: "True",
  });
  const served = [{ revisionName: "hello-00002", latestRevision: true, percent: 100 }];
  const moved = testRoute({
    metadata: { generation: 2 },
    spec: { traffic: [{ revisionName: "hello-00001", latestRevision: false, percent: 100 }] },
    status: { ...settled, traffic: served },
  });
  const scene = async (old: readonly string[], next: readonly string[], route = moved) => [
    route,
    ...world,
    ...(await madeFor(testRoute(), ready)),
    pods("hello-00002", old),
    pods("hello-00001", next),
  ];

  test("waits until one is ready, and stays with those who answer", async () => {
    const report = await run(await scene(["10.0.0.2"], []));
    assert.deepEqual(report.updates, []);
    assert.deepEqual(statusOf(report).traffic, served);
    assert.ok(
      linesOf(statusOf(report).conditions).includes(
        'Ready=Unknown WaitingForCapacity: Revision "hello-00001" gets its traffic once one of its pods is ready.',
      ),
    );
  });

  test("moves once one is ready", async () => {
    const report = await run(await scene(["10.0.0.2"], ["10.0.0.1"]));
    assert.equal(statusOf(report).traffic?.[0]?.revisionName, "hello-00001");
    assert.deepEqual(
      report.updates.map(({ kind }) => kind),
      ["Ingress"],
    );
  });

  test("moves at once where nobody answers now either", async () => {
    assert.deepEqual(
      (await run(await scene([], []))).updates.map(({ kind }) => kind),
      ["Ingress"],
    );
  });

  test("moves in the end though no pod came", async () => {
    const waiting = conditions({
      Ready: "Unknown",
      AllTrafficAssigned: "True",
      CertificateProvisioned: "True",
      IngressReady: ["Unknown", "WaitingForCapacity"],
    });
    const route = { ...moved, status: { ...waiting, observedGeneration: 2, traffic: served } };
    const report = await run(await scene(["10.0.0.2"], [], route));
    assert.deepEqual(
      report.updates.map(({ kind }) => kind),
      ["Ingress"],
    );
  });
});

test("whatever error one write meets, the route ends where it would have without", async () => {
  const maps: Maps = { ...publicDomain, "config-network": { "external-domain-tls": "enabled" } };
  const labels = { "serving.knative.dev/route": "hello" };
  const gone = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...owned(testRoute()), name: "gone-hello", labels },
    spec: {},
  } as KubeObject;
  const row = rowOf([testRoute(), ...world, gone], maps);
  await assertSurvivesFaults(row);
});

const ofNobody = { ownerReferences: [] };
const isReady = {
  ...conditions({ Ready: "True", AllTrafficAssigned: "True", IngressReady: "True" }),
  observedGeneration: 1,
};
for (const [name, metadata, status, objects, waitMs] of [
  ["a Service: that there is no revision yet", {}, {}, [testConfiguration()], 10_000],
  ["nobody: that there is no revision yet", ofNobody, {}, [testConfiguration()], 3000],
  ["a Service: that the Ingress is told of new traffic", {}, isReady, world, 3000],
  ["nobody: that the Ingress is told of new traffic", ofNobody, isReady, world, undefined],
] as const) {
  test(`how long a Route may wait to say, of ${name}`, async () => {
    const { outcome } = await run([testRoute({ metadata, status }), ...objects]);
    assert.equal(outcome?.statusMayWaitMs, waitMs);
  });
}
