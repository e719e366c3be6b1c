import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service } from "../../apis/core/service.ts";
import type { KubeObject } from "../../apis/meta.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import type { Route } from "../../apis/serving/route.ts";
import { conditions, linesOf, testConfiguration, testRoute } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { reconcileOnce } from "../../testing/table.ts";
import { type Maps, owned, publicDomain, ready, revisions, rowOf, run, statusOf, world } from "./route-world.ts";

const localPlaces = [{ domainInternal: "knative-local-gateway.istio-system.svc.cluster.local" }];

/** What the route made before, and what the network layer says about it. */
async function madeFor(route: Route, status: object, maps: Maps = {}): Promise<KubeObject[]> {
  const { creates } = await run([route, ...world], maps);
  return creates.map((object) => (object.kind === "Ingress" ? judged(object, status) : object));
}

/** What is stored of a child once it was judged. */
function judged(object: KubeObject | undefined, status: object): KubeObject {
  return { ...object!, metadata: { ...object!.metadata, generation: 1 }, status } as KubeObject;
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
