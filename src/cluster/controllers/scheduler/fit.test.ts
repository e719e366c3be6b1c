import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Node } from "../../../apis/core/node.ts";
import type { Pod } from "../../../apis/core/pod.ts";
import type { PodSpec } from "../../../apis/core/pod-spec.ts";
import { misfitsOf, unschedulableMessage } from "./fit.ts";

const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n", labels: { zone: "a", size: "4" } },
  spec: {},
  status: { allocatable: { cpu: "2", memory: "4Gi", pods: "3" } },
};
const pod = (name: string, spec: Partial<PodSpec>, more: Partial<Pod> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "ns", labels: { app: name } },
  spec: { containers: [], ...spec },
  ...more,
});
const asking = (cpu: string, nodeName?: string) => ({
  containers: [{ name: "c", resources: { requests: { cpu } } }],
  ...(nodeName && { nodeName }),
});
const nodeAffinity = (operator: string, key: string, values: string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
      },
    },
  },
});
const away = (app: string) => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } },
      ],
    },
  },
});

describe("a pod on a node", () => {
  const selector = "node(s) didn't match Pod's node affinity/selector";
  const rows: [name: string, pod: Pod, others: Pod[], node: Node, misfits: string[]][] = [
    ["fits where nothing speaks against it", pod("p", asking("1")), [], node, []],
    ["needs the labels that it selects", pod("p", { nodeSelector: { zone: "b" } }), [], node, [selector]],
    ["takes affinity with In", pod("p", nodeAffinity("In", "zone", ["a", "b"])), [], node, []],
    ["takes affinity with Gt", pod("p", nodeAffinity("Gt", "size", ["4"])), [], node, [selector]],
    ["needs room", pod("p", asking("1500m")), [pod("q", asking("600m", "n"))], node, ["Insufficient cpu"]],
    [
      "is not in the way of pods that have ended",
      pod("p", asking("1500m")),
      [pod("q", asking("600m", "n"), { status: { phase: "Succeeded" } })],
      node,
      [],
    ],
    [
      "counts towards the number of pods",
      pod("p", {}),
      [1, 2, 3].map((n) => pod(`q${n}`, { nodeName: "n" })),
      node,
      ["Too many pods"],
    ],
    [
      "stays off a cordoned node",
      pod("p", {}),
      [],
      { ...node, spec: { unschedulable: true } },
      ["node(s) were unschedulable"],
    ],
    [
      "stays off taints",
      pod("p", {}),
      [],
      { ...node, spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } },
      ["node(s) had untolerated taint {k: v}"],
    ],
    [
      "tolerates taints that it names",
      pod("p", { tolerations: [{ key: "k", operator: "Exists" }] }),
      [],
      { ...node, spec: { taints: [{ key: "k", effect: "NoSchedule" }] } },
      [],
    ],
    [
      "stays away from pods it must not meet",
      pod("p", away("q")),
      [pod("q", { nodeName: "n" })],
      node,
      ["node(s) didn't match pod anti-affinity rules"],
    ],
  ];
  for (const [name, given, others, on, misfits] of rows) {
    it(name, () => assert.deepEqual(misfitsOf(given, on, [given, ...others]), misfits));
  }

  it("that fits nowhere is told why in the scheduler's words", () => {
    assert.equal(
      unschedulableMessage([["Insufficient cpu"]]),
      "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    );
    assert.equal(unschedulableMessage([]), "no nodes available to schedule pods");
  });
});
