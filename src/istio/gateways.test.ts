import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ingress } from "../apis/networking/ingress.ts";
import { parseIstioConfig } from "../config/istio.ts";
import { gatewaysFor, isPublic, publicHosts, serviceOf, tlsFor, type Visibility } from "./gateways.ts";

type Rules = readonly (readonly [visibility: Visibility | undefined, hosts: readonly string[]])[];

function makeIngress(rules: Rules, tls: readonly (readonly string[])[] = [], labels?: Record<string, string>): Ingress {
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Ingress",
    metadata: { name: "app", namespace: "ns", ...(labels && { labels }) },
    spec: {
      rules: rules.map(([visibility, hosts]) => ({
        ...(visibility && { visibility }),
        hosts: [...hosts],
        http: { paths: [] },
      })),
      tls: tls.map((hosts) => ({ hosts: [...hosts], secretName: hosts.join() })),
    },
  };
}

const certificates: readonly [string, Rules, readonly (readonly string[])[], Record<Visibility, readonly string[]>][] =
  [
    [
      "one for all hosts of a rule",
      [["ExternalIP", ["a", "b"]]],
      [["b", "a"]],
      { ExternalIP: ["b,a"], ClusterLocal: [] },
    ],
    ["one for some hosts of a rule only", [["ExternalIP", ["a", "b"]]], [["a"]], { ExternalIP: [], ClusterLocal: [] }],
    ["a rule that does not say who sees it", [[undefined, ["a"]]], [["a"]], { ExternalIP: ["a"], ClusterLocal: [] }],
    [
      "rules of either kind",
      [
        ["ClusterLocal", ["in"]],
        ["ExternalIP", ["out"]],
      ],
      [["in"], ["out"]],
      { ExternalIP: ["out"], ClusterLocal: ["in"] },
    ],
  ];

for (const [name, rules, tls, wanted] of certificates) {
  test(`certificates of ${name}`, () => {
    const chosen = (visibility: Visibility) =>
      tlsFor(makeIngress(rules, tls), visibility).map(({ secretName }) => secretName);
    assert.deepEqual({ ExternalIP: chosen("ExternalIP"), ClusterLocal: chosen("ClusterLocal") }, wanted);
  });
}

for (const [name, rules, hosts] of [
  ["a rule for the cluster alone", [["ClusterLocal", ["in"]]], []],
  ["a rule that does not say", [[undefined, ["out"]]], ["out"]],
  [
    "rules of either kind",
    [
      ["ClusterLocal", ["in"]],
      ["ExternalIP", ["out", "also"]],
      ["ExternalIP", ["out"]],
    ],
    ["also", "out"],
  ],
] as const satisfies readonly (readonly [string, Rules, readonly string[]])[]) {
  test(`what is seen from outside of ${name}: ${hosts.join() || "nothing"}`, () => {
    const ingress = makeIngress(rules);
    assert.deepEqual(publicHosts(ingress), hosts);
    assert.equal(isPublic(ingress), hosts.length > 0);
  });
}

const config = parseIstioConfig({
  "external-gateways": `
- {namespace: ns, name: general, service: a.ns.svc.cluster.local}
- {namespace: ns, name: blue, service: b.ns.svc.cluster.local, labelSelector: {matchLabels: {team: blue}}}`,
});

for (const [name, labels, gateway] of [
  ["that a gateway selects", { team: "blue" }, "blue"],
  ["that no gateway selects", { team: "red" }, "general"],
  ["without labels", undefined, "general"],
] as const) {
  test(`an Ingress ${name} is carried by the ${gateway} gateway`, () => {
    const { ExternalIP, ClusterLocal } = gatewaysFor(makeIngress([], [], labels), config);
    assert.deepEqual(
      ExternalIP.map((one) => one.name),
      [gateway],
    );
    assert.deepEqual(
      ClusterLocal.map((one) => one.name),
      ["knative-local-gateway"],
    );
  });
}

test("a gateway's Service is known by the first two parts of its host name", () => {
  const service = (serviceURL: string) => serviceOf({ namespace: "ns", name: "gw", serviceURL });
  assert.deepEqual(service("a.b.svc.cluster.local"), { name: "a", namespace: "b" });
  for (const url of ["a.b", ".b.svc", "a..svc", "a"]) {
    assert.throws(() => service(url), { message: `unexpected service URL form: ${url}` });
  }
});
