import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service } from "../../apis/core/service.ts";
import { controllerReference, type KubeObject } from "../../apis/meta.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import { parseServingConfig } from "../../config/serving-config.ts";
import { silentLogger } from "../../lib/log.ts";
import { fakeClient } from "../../testing/fake-client.ts";
import { fakeContext } from "../../testing/fake-context.ts";
import { testRoute } from "../../testing/serving-objects.ts";
import { pointPlaceholders } from "./placeholders.ts";
import { routeReconciler } from "./reconcile.ts";

type Place = NonNullable<NonNullable<NonNullable<Ingress["status"]>["publicLoadBalancer"]>["ingress"]>[number];

const route = testRoute();
const metadata = { name: "hello", namespace: "ns", ownerReferences: [controllerReference(route)] };
const service = (spec: Service["spec"]): Service => ({ apiVersion: "v1", kind: "Service", metadata, spec });
const endpointsOf = (ip: string): Endpoints => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata,
  subsets: [{ addresses: [{ ip }], ports: [{ name: "http2", appProtocol: "kubernetes.io/h2c", port: 80 }] }],
});

const ports = [{ name: "http2", port: 80, targetPort: 80, appProtocol: "kubernetes.io/h2c" }];
const external = (externalName: string) =>
  service({ type: "ExternalName", externalName, sessionAffinity: "None", ports });
const headless = service({ type: "ClusterIP", clusterIP: "None", ports });
const addressed = service({ type: "ClusterIP", clusterIP: "10.96.0.7", ports: [{ name: "http", port: 80 }] });
const gateway = "gateway.istio-system.svc.cluster.local";

/** What is there, where the Ingress says traffic has to go, and what is written. */
const table: readonly (readonly [
  what: string,
  service: Service,
  endpoints: Endpoints | undefined,
  place: Place,
  writes: readonly string[],
])[] = [
  ["a name that leads there already stays", external(gateway), undefined, { domainInternal: gateway }, []],
  [
    "a name is led elsewhere",
    external("old.example.com"),
    undefined,
    { domainInternal: gateway },
    [`update services ExternalName ${gateway}`],
  ],
  [
    "a name is led to a domain outside",
    external("old.example.com"),
    undefined,
    { domain: "lb.example.com" },
    ["update services ExternalName lb.example.com"],
  ],
  [
    "a name becomes one with an address of its own",
    external(gateway),
    undefined,
    { meshOnly: true },
    ["update services ClusterIP "],
  ],
  ["an address that Kubernetes gave is kept", addressed, undefined, { meshOnly: true }, []],
  [
    "a name becomes one without an address, and gets Endpoints",
    external(gateway),
    undefined,
    { ip: "10.0.0.1" },
    ["update services ClusterIP None", "create endpoints 10.0.0.1"],
  ],
  ["the same address is left alone", headless, endpointsOf("10.0.0.1"), { ip: "10.0.0.1" }, []],
  [
    "Endpoints follow the address",
    headless,
    endpointsOf("10.0.0.1"),
    { ip: "10.0.0.2" },
    ["update endpoints 10.0.0.2"],
  ],
  [
    "a Service with an address cannot become a name: it is made anew, and its Endpoints go",
    headless,
    endpointsOf("10.0.0.1"),
    { domainInternal: gateway },
    ["delete services", `create services ExternalName ${gateway}`, "delete endpoints"],
  ],
  [
    "a Service without an address cannot get one: it is made anew",
    headless,
    undefined,
    { meshOnly: true },
    ["delete services", "create services ClusterIP "],
  ],
  [
    "a Service with an address cannot lose it: it is made anew",
    addressed,
    undefined,
    { ip: "10.0.0.1" },
    ["delete services", "create services ClusterIP None", "create endpoints 10.0.0.1"],
  ],
];

test("a name that several tags share is written once", async () => {
  const writes = await pointed(["", "a"], headless, undefined, { domainInternal: gateway });
  assert.deepEqual(writes, ["delete services", `create services ExternalName ${gateway}`]);
});

for (const [what, present, endpoints, place, writes] of table) {
  test(what, async () => assert.deepEqual(await pointed([""], present, endpoints, place), writes));
}

/** What is written to lead these tags, which share a name, to the place that the Ingress tells of. */
async function pointed(
  tags: readonly string[],
  present: Service,
  endpoints: Endpoints | undefined,
  place: Place,
): Promise<string[]> {
  const client = fakeClient([present, ...(endpoints ? [endpoints] : [])]);
  const context = fakeContext(parseServingConfig({}), [present]);
  const ingress = { metadata, status: { publicLoadBalancer: { ingress: [place] } } } as unknown as Ingress;
  await pointPlaceholders(
    route,
    new Map(tags.map((tag) => [tag, { service: present, ...(endpoints && { endpoints }) }])),
    ingress,
    routeReconciler.deps({ client, informers: context.informers }),
    {
      config: context.config.current(),
      log: silentLogger,
      clock: context.clock,
      events: { normal() {}, warning() {} },
      signal: context.signal,
    },
  );
  return client.actions.map(({ verb, resource, object }) => [verb, resource, ...shown(object)].join(" "));
}

function shown(object: KubeObject | undefined): string[] {
  if (!object) return [];
  if (object.kind === "Endpoints") return [(object as Endpoints).subsets?.[0]?.addresses?.[0]?.ip ?? ""];
  const { type = "", externalName, clusterIP = "" } = (object as Service).spec;
  return [type, externalName ?? clusterIP];
}
