import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Gateway } from "../apis/istio/gateway.ts";
import type { VirtualService } from "../apis/istio/virtualservice.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { Ingress } from "../apis/networking/ingress.ts";
import { hashIngress } from "../apis/networking/ingress-hash.ts";
import { conditions } from "../testing/serving-objects.ts";
import { gatewayService, localRule, makeIngress, publicRule, run, split, statusOf } from "./ingress-world.ts";

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
