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
const isIn = (key: string, ...values: string[]) => ({ key, operator: "In" as const, values });
const terms = (all: ReturnType<typeof isIn>[][]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: all.map((matchExpressions) => ({ matchExpressions })),
      },
    },
  },
});
const initAsking = (cpu: string, ...first: string[]) => ({
  ...asking(cpu),
  initContainers: first.map((wanted, at) => ({ name: `i${at}`, resources: { requests: { cpu: wanted } } })),
});
const near = (app: string) => ({
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } },
      ],
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
    ["takes affinity with NotIn", pod("p", nodeAffinity("NotIn", "zone", ["b"])), [], node, []],
    ["takes affinity with NotIn of what is not there", pod("p", nodeAffinity("NotIn", "rack", ["b"])), [], node, []],
    ["does not take affinity with NotIn", pod("p", nodeAffinity("NotIn", "zone", ["a"])), [], node, [selector]],
    ["takes one of several terms", pod("p", terms([[isIn("zone", "b")], [isIn("zone", "a")]])), [], node, []],
    ["needs all of a term", pod("p", terms([[isIn("zone", "a"), isIn("rack", "r")]])), [], node, [selector]],
    ["does not take an empty term", pod("p", terms([[]])), [], node, [selector]],
    [
      "needs the largest of its init containers",
      pod("p", initAsking("500m", "1", "3", "1")),
      [],
      node,
      ["Insufficient cpu"],
    ],
    ["needs its containers and no init container at once", pod("p", initAsking("1500m", "1500m")), [], node, []],
    ["needs what init containers alone ask for", pod("p", initAsking("0", "3")), [], node, ["Insufficient cpu"]],
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
      "tolerates every taint with Exists alone",
      pod("p", { tolerations: [{ operator: "Exists" }] }),
      [],
      { ...node, spec: { taints: [{ key: "k", value: "v", effect: "NoExecute" }] } },
      [],
    ],
    [
      "does not tolerate every taint with no key and a value",
      pod("p", { tolerations: [{ value: "v" }] }),
      [],
      { ...node, spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } },
      ["node(s) had untolerated taint {k: v}"],
    ],
    ["may be the first of those that it wants to be with", pod("p", near("p")), [], node, []],
    ["goes where those are that it wants to be with", pod("p", near("q")), [pod("q", { nodeName: "n" })], node, []],
    [
      "needs those that it wants to be with",
      pod("p", near("q")),
      [],
      node,
      ["node(s) didn't match pod affinity rules"],
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
