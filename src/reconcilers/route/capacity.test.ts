import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ingress, IngressRule } from "../../apis/networking/ingress.ts";
import { awaitedRevision } from "./capacity.ts";

type Visibility = NonNullable<IngressRule["visibility"]>;
type Shares = Readonly<Record<string, number>>;

function makeIngress(
  rules: readonly (readonly [host: string | undefined, shares: Shares, visibility?: Visibility])[],
): Ingress {
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Ingress",
    metadata: { name: "r", namespace: "ns" },
    spec: {
      rules: rules.map(([host, shares, visibility = "ExternalIP"]) => ({
        ...(host !== undefined && { hosts: ["short", host] }),
        visibility,
        http: {
          paths: [
            {
              splits: Object.entries(shares).map(([serviceName, percent]) => ({
                serviceName,
                serviceNamespace: "ns",
                servicePort: 80,
                percent,
              })),
            },
          ],
        },
      })),
    },
  };
}

const pods: Readonly<Record<string, boolean>> = { warm: true, other: true, cold: false, gone: false };

for (const [name, present, wanted, awaited] of [
  ["a revision without pods gets its first traffic", [["a", { warm: 100 }]], [["a", { warm: 90, cold: 10 }]], "cold"],
  ["it takes over all of it", [["a", { warm: 100 }]], [["a", { cold: 100 }]], "cold"],
  ["only one of those before has pods", [["a", { gone: 50, warm: 50 }]], [["a", { cold: 100 }]], "cold"],
  ["it has pods", [["a", { warm: 100 }]], [["a", { other: 100 }]], undefined],
  ["nothing is known of it", [["a", { warm: 100 }]], [["a", { unknown: 100 }]], undefined],
  ["it had traffic before", [["a", { warm: 90, cold: 10 }]], [["a", { warm: 10, cold: 90 }]], undefined],
  ["it was named before, for nothing", [["a", { warm: 100, cold: 0 }]], [["a", { cold: 100 }]], "cold"],
  ["it is named for nothing", [["a", { warm: 100 }]], [["a", { warm: 100, cold: 0 }]], undefined],
  ["nobody else has pods either", [["a", { gone: 100 }]], [["a", { cold: 100 }]], undefined],
  [
    "its host is new",
    [["a", { warm: 100 }]],
    [
      ["a", { warm: 100 }],
      ["b", { cold: 100 }],
    ],
    undefined,
  ],
  ["its host was seen by others", [["a", { warm: 100 }, "ClusterLocal"]], [["a", { cold: 100 }]], undefined],
  ["there is no host to know it by", [[undefined, { warm: 100 }]], [[undefined, { cold: 100 }]], undefined],
  [
    "another host's traffic moves",
    [
      ["a", { warm: 100 }],
      ["b", { other: 100 }],
    ],
    [
      ["a", { warm: 100 }],
      ["b", { cold: 100 }],
    ],
    "cold",
  ],
] as const satisfies readonly (readonly [
  string,
  ...Parameters<typeof makeIngress>,
  ...Parameters<typeof makeIngress>,
  string | undefined,
])[]) {
  test(`where ${name}, ${awaited === undefined ? "traffic moves at once" : "its pods are waited for"}`, () => {
    assert.equal(
      awaitedRevision(makeIngress(wanted), makeIngress(present), (revision) => pods[revision]),
      awaited,
    );
  });
}
