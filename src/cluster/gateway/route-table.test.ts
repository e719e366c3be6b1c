import assert from "node:assert/strict";
import { test } from "node:test";
import type { Gateway } from "../../apis/istio/gateway.ts";
import type { HTTPMatchRequest, VirtualService } from "../../apis/istio/virtualservice.ts";
import { makeRouteTable } from "./route-table.ts";

const apiVersion = "networking.istio.io/v1beta1";

function makeGateway(
  hosts: string[],
  { name = "gw", namespace = "kn", number = 80, httpsRedirect = false } = {},
): Gateway {
  const server = {
    hosts,
    port: { name: "http", number, protocol: "HTTP" },
    ...(httpsRedirect && { tls: { httpsRedirect } }),
  };
  return { apiVersion, kind: "Gateway", metadata: { name, namespace }, spec: { servers: [server] } };
}

/** A VirtualService whose one destination is its own name. */
function makeService(
  name: string,
  hosts: string[],
  {
    gateways = ["kn/gw"],
    namespace = "ns",
    createdAt = "",
    match,
  }: {
    gateways?: string[];
    namespace?: string;
    createdAt?: string;
    match?: HTTPMatchRequest[];
  } = {},
): VirtualService {
  return {
    apiVersion,
    kind: "VirtualService",
    metadata: { name, namespace, ...(createdAt && { creationTimestamp: createdAt }) },
    spec: { hosts, gateways, http: [{ ...(match && { match }), route: [{ destination: { host: name } }] }] },
  };
}

const cases: readonly [
  sentence: string,
  gateways: Gateway[],
  services: VirtualService[],
  authority: string,
  wanted: string | undefined,
][] = [
  ["a host leads to its VirtualService", [makeGateway(["*"])], [makeService("a", ["a.io"])], "a.io", "a"],
  ["with any port", [makeGateway(["*"])], [makeService("a", ["a.io"])], "a.io:8080", "a"],
  ["in any case, with a dot at its end", [makeGateway(["*"])], [makeService("a", ["A.io"])], "a.IO.", "a"],
  ["nobody's host leads nowhere", [makeGateway(["*"])], [makeService("a", ["a.io"])], "b.io", undefined],
  ["a domain has all hosts under it", [makeGateway(["*"])], [makeService("a", ["*.io"])], "x.b.io", "a"],
  ["but not itself", [makeGateway(["*"])], [makeService("a", ["*.b.io"])], "b.io", undefined],
  [
    "the longest domain comes first",
    [makeGateway(["*"])],
    [makeService("all", ["*"]), makeService("io", ["*.io"]), makeService("b", ["*.b.io"])],
    "x.b.io",
    "b",
  ],
  [
    "and a host before any domain",
    [makeGateway(["*"])],
    [makeService("b", ["*.b.io"]), makeService("x", ["x.b.io"])],
    "x.b.io",
    "x",
  ],
  ["who has every host has what nobody has", [makeGateway(["*"])], [makeService("all", ["*"])], "b.io", "all"],
  ["a host that the gateway does not have", [makeGateway(["b.io"])], [makeService("a", ["a.io"])], "a.io", undefined],
  ["one that ends alike is not under it", [makeGateway(["*.b.io"])], [makeService("a", ["xb.io"])], "xb.io", undefined],
  [
    "a gateway on another port",
    [makeGateway(["*"], { number: 8081 })],
    [makeService("a", ["a.io"])],
    "a.io",
    undefined,
  ],
  [
    "one of several gateways will do",
    [makeGateway(["*"])],
    [makeService("a", ["a.io"], { gateways: ["other/gw", "kn/gw"] })],
    "a.io",
    "a",
  ],
  [
    "a gateway's name alone is one in the own namespace",
    [makeGateway(["*"], { namespace: "ns" })],
    [makeService("a", ["a.io"], { gateways: ["gw"] })],
    "a.io",
    "a",
  ],
  ["and no other", [makeGateway(["*"])], [makeService("a", ["a.io"], { gateways: ["gw"] })], "a.io", undefined],
  ["a gateway may be for one namespace", [makeGateway(["ns/*"])], [makeService("a", ["a.io"])], "a.io", "a"],
  ["and then not for another", [makeGateway(["other/a.io"])], [makeService("a", ["a.io"])], "a.io", undefined],
  ["nor for another host", [makeGateway(["ns/b.io"])], [makeService("a", ["a.io"])], "a.io", undefined],
  ["a dot is the gateway's own namespace", [makeGateway(["./*"])], [makeService("a", ["a.io"])], "a.io", undefined],
  [
    "of two with a host the older comes first",
    [makeGateway(["*"])],
    [
      makeService("a", ["x.io"], { createdAt: "2024-01-02T00:00:00Z" }),
      makeService("b", ["x.io"], { createdAt: "2024-01-01T00:00:00Z" }),
    ],
    "x.io",
    "b",
  ],
  [
    "what a VirtualService keeps for another gateway is not here",
    [makeGateway(["*"])],
    [makeService("a", ["a.io"], { gateways: ["kn/gw", "mesh"], match: [{ gateways: ["mesh"] }] })],
    "a.io",
    undefined,
  ],
  [
    "a host that must use TLS is sent there, whoever else has it",
    [makeGateway(["*"]), makeGateway(["a.io"], { name: "tls", httpsRedirect: true })],
    [makeService("a", ["a.io"], { gateways: ["kn/gw", "kn/tls"] })],
    "a.io",
    "redirect",
  ],
];

for (const [sentence, gateways, services, authority, wanted] of cases) {
  test(sentence, () => {
    const facts = { method: "GET", scheme: "http", authority, path: "/", headers: {}, port: 80 } as const;
    const decision = makeRouteTable(gateways, services).decide(80, facts);
    const found = decision?.type === "route" ? decision.route.route?.[0]?.destination.host : decision?.type;
    assert.equal(found, wanted);
  });
}
