import assert from "node:assert/strict";
import { test } from "node:test";
import { Deployment } from "../../apis/core/deployment.ts";
import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service } from "../../apis/core/service.ts";
import { controllerReference, type KubeObject } from "../../apis/meta.ts";
import type { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { fakeInformers } from "../../testing/fake-informers.ts";
import { conditions, linesOf } from "../../testing/serving-objects.ts";
import { assertSurvivesFaults } from "../../testing/settle.ts";
import { reconcileOnce } from "../../testing/table.ts";
import { chooseSubset } from "./choose-subset.ts";
import { serverlessServiceReconciler } from "./reconcile.ts";

const sks: ServerlessService = {
  apiVersion: "networking.internal.knative.dev/v1alpha1",
  kind: "ServerlessService",
  metadata: { name: "rev", namespace: "ns", uid: "u1", generation: 1 },
  spec: {
    mode: "Serve",
    objectRef: { apiVersion: "apps/v1", kind: "Deployment", name: "rev-deployment" },
    protocolType: "http1",
  },
};
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "rev-deployment", namespace: "ns" },
  spec: { selector: { matchLabels: { revision: "rev" } }, template: {} },
} as unknown as Deployment;

function makeEndpoints(name: string, ips: readonly string[], namespace = "ns"): Endpoints {
  const ports = [8012, 8112, 9090].map((port) => ({ name: `p${port}`, port }));
  const subsets = ips.length > 0 ? [{ addresses: ips.map((ip) => ({ ip })), ports }] : [];
  return { apiVersion: "v1", kind: "Endpoints", metadata: { name, namespace }, subsets };
}

const noActivator = makeEndpoints("activator-service", [], "knative-serving");

const rowOf = (objects: readonly KubeObject[], own: ServerlessService = sks) => ({
  ...serverlessServiceReconciler,
  key: "ns/rev",
  objects: [own, ...objects],
});
const run = (objects: readonly KubeObject[], own?: ServerlessService) => reconcileOnce(rowOf(objects, own));

function statusOf({ statusUpdates }: { readonly statusUpdates: readonly KubeObject[] }) {
  const { status } = statusUpdates[0] as ServerlessService;
  return { ...status, lines: linesOf(status?.conditions) };
}

test("a revision gets its Services, and waits quietly for the cluster to find its pods", async () => {
  const report = await run([deployment, noActivator]);
  assert.deepEqual(
    report.creates.map(({ metadata }) => metadata.name),
    ["rev-private", "rev"],
  );
  assert.deepEqual((report.creates[0] as Service).spec.selector, { revision: "rev" });
  assert.equal(report.error, undefined);
  assert.deepEqual(report.events, []);
  const status = statusOf(report);
  assert.deepEqual([status.serviceName, status.privateServiceName], ["rev", "rev-private"]);
  assert.ok(status.lines.includes("Ready=Unknown CreatingPublicService: K8s Service is not ready"));
});

test("pods of a Deployment without our labels, which is not cached, are found all the same", async () => {
  const report = await reconcileOnce({
    ...rowOf([deployment, noActivator]),
    deps: (world) => ({ ...serverlessServiceReconciler.deps(world), deployments: fakeInformers().of(Deployment) }),
  });
  assert.deepEqual((report.creates[0] as Service).spec.selector, { revision: "rev" });
});

test("the public Service leads to the pods that are ready, on their serving ports only", async () => {
  const report = await run([deployment, noActivator, makeEndpoints("rev-private", ["10.0.0.1", "10.0.0.2"])]);
  const [endpoints] = report.creates.filter(({ kind }) => kind === "Endpoints") as Endpoints[];
  assert.deepEqual(endpoints?.subsets, [
    {
      addresses: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }],
      ports: [
        { name: "p8012", port: 8012 },
        { name: "p8112", port: 8112 },
      ],
    },
  ]);
  const { lines } = statusOf(report);
  assert.ok(lines.includes("Ready=True"));
  assert.ok(lines.some((line) => line.startsWith("ActivatorEndpointsPopulated=False")));
});

test("without an activator, Proxy leads to the pods all the same", async () => {
  const proxy = { ...sks, spec: { ...sks.spec, mode: "Proxy" as const } };
  const report = await run([deployment, noActivator, makeEndpoints("rev-private", ["10.0.0.1"])], proxy);
  const [endpoints] = report.creates.filter(({ kind }) => kind === "Endpoints") as Endpoints[];
  assert.deepEqual(endpoints?.subsets?.[0]?.addresses, [{ ip: "10.0.0.1" }]);
});

test("where activators run they stand in for pods that are not there, as many as are asked for", async () => {
  const activators = makeEndpoints("activator-service", ["10.1.0.1", "10.1.0.2", "10.1.0.3"], "knative-serving");
  const few = { ...sks, spec: { ...sks.spec, numActivators: 2 } };
  const report = await run([deployment, activators, makeEndpoints("rev-private", [])], few);
  const [endpoints] = report.creates.filter(({ kind }) => kind === "Endpoints") as Endpoints[];
  assert.equal(endpoints?.subsets?.[0]?.addresses?.length, 2);
  assert.ok(statusOf(report).lines.includes("Ready=Unknown NoHealthyBackends: K8s Service is not ready"));
});

test("pods that go are taken out of the public Endpoints", async () => {
  const made = await run([deployment, noActivator, makeEndpoints("rev-private", ["10.0.0.1", "10.0.0.2"])]);
  const report = await run([deployment, noActivator, makeEndpoints("rev-private", ["10.0.0.2"]), ...made.creates]);
  assert.deepEqual((report.updates[0] as Endpoints).subsets?.[0]?.addresses, [{ ip: "10.0.0.2" }]);
});

const clashes: readonly [kind: string, name: string, object: KubeObject][] = [
  [
    "Service",
    "rev-private",
    { apiVersion: "v1", kind: "Service", metadata: { name: "rev-private", namespace: "ns" }, spec: {} } as KubeObject,
  ],
  [
    "Service",
    "rev",
    { apiVersion: "v1", kind: "Service", metadata: { name: "rev", namespace: "ns" }, spec: {} } as KubeObject,
  ],
  ["Endpoints", "rev", makeEndpoints("rev", ["10.9.9.9"])],
];
for (const [kind, name, object] of clashes) {
  test(`${kind} ${name} of somebody else is left alone, and the status says so`, async () => {
    const report = await run([deployment, noActivator, makeEndpoints("rev-private", ["10.0.0.1"]), object]);
    assert.ok(
      statusOf(report).lines.includes(`Ready=False NotOwned: Resource ${name} of type ${kind} is not owned by SKS`),
    );
    assert.equal(String(report.error), `Error: SKS: rev does not own ${kind}: ${name}`);
  });
}

test("whatever error one write meets, the Services end as they would have without", async () => {
  const owner = { ownerReferences: [controllerReference(sks)], namespace: "ns" };
  const stale = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...owner, name: "rev" },
    spec: { selector: { old: "one" } },
  } as KubeObject;
  const row = rowOf([deployment, noActivator, makeEndpoints("rev-private", ["10.0.0.1"]), stale]);
  await assertSurvivesFaults(row);
});

test("a subset is the same every time, as large as asked for, and spread over revisions", () => {
  const names = new Set(Array.from({ length: 10 }, (_, at) => `10.0.0.${at}`));
  const chosen = new Map<string, number>();
  for (let revision = 0; revision < 500; revision++) {
    const subset = chooseSubset(names, 3, `rev-${revision}`);
    assert.deepEqual(subset, chooseSubset(names, 3, `rev-${revision}`));
    assert.equal(subset.size, 3);
    for (const name of subset) chosen.set(name, (chosen.get(name) ?? 0) + 1);
  }
  for (const count of chosen.values()) assert.ok(count > 75 && count < 250, JSON.stringify([...chosen]));
});

for (const [size, count, target, chosen] of [
  [3, 1, "ns/rev", ["10.0.0.2"]],
  [3, 2, "default/hello-00001", ["10.0.0.0", "10.0.0.1"]],
  [3, 5, "ns/rev", ["10.0.0.0", "10.0.0.1", "10.0.0.2"]],
  [10, 2, "default/hello-00001", ["10.0.0.3", "10.0.0.9"]],
  [10, 5, "ns/rev", ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.7", "10.0.0.9"]],
  [200, 5, "default/hello-00001", ["10.0.1.8", "10.0.10.2", "10.0.3.14", "10.0.4.9", "10.0.9.0"]],
  [200, 5, "ns/rev", ["10.0.1.11", "10.0.11.0", "10.0.12.4", "10.0.4.5", "10.0.7.15"]],
] as const) {
  test(`${count} of ${size} are chosen for ${target} as upstream chooses them`, () => {
    const names = Array.from({ length: size }, (_, at) => `10.0.${Math.floor(at / 16)}.${at % 16}`);
    assert.deepEqual([...chooseSubset(new Set(names), count, target)].sort(), chosen);
  });
}

for (const [name, mode, pods, waitMs] of [
  ["that its revision goes to zero", "Proxy", ["10.0.0.1"], 3000],
  ["that its pods are gone", "Proxy", [], undefined],
  ["that it serves again", "Serve", ["10.0.0.1"], undefined],
] as const) {
  test(`how long a ServerlessService may wait to say ${name}`, async () => {
    const stored: ServerlessService = {
      ...sks,
      metadata: { ...sks.metadata, generation: 2 },
      spec: { ...sks.spec, mode },
      status: { ...conditions({ Ready: "True", EndpointsPopulated: "True" }) },
    };
    const { outcome } = await run([deployment, noActivator, makeEndpoints("rev-private", pods)], stored);
    assert.equal(outcome?.statusMayWaitMs, waitMs);
  });
}
