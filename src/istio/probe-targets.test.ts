import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Endpoints } from "../apis/core/endpoints.ts";
import type { Service } from "../apis/core/service.ts";
import type { Gateway } from "../apis/istio/gateway.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { Ingress } from "../apis/networking/ingress.ts";
import { parseServingConfig } from "../config/serving-config.ts";
import { gatewayService, localRule, makeIngress, publicRule } from "./ingress-world.ts";
import { listProbeTargets } from "./probe-targets.ts";

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
