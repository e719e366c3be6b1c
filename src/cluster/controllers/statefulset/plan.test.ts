import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../apis/core/pod.ts";
import type { StatefulSet } from "../../../apis/core/statefulset.ts";
import { planStatefulSet, revisionLabel } from "./plan.ts";

const pod = (ordinal: number, state = "ready", revision = "v2"): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: `db-${ordinal}`,
    labels: { [revisionLabel]: revision },
    ...(state === "leaving" && { deletionTimestamp: "2024-01-01T00:00:00Z" }),
  },
  spec: { containers: [] },
  status: {
    phase: state === "failed" ? "Failed" : "Running",
    conditions: [{ type: "Ready", status: state === "ready" ? "True" : "False" }],
  },
});
const set = (spec: Partial<StatefulSet["spec"]>): StatefulSet => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db" },
  spec: { selector: {}, template: {}, serviceName: "db", replicas: 3, ...spec },
});

describe("the next step of a StatefulSet", () => {
  const parallel = { podManagementPolicy: "Parallel" } as const;
  const partition = (from: number) =>
    ({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: from } } }) as const;
  const rows: [name: string, spec: Partial<StatefulSet["spec"]>, pods: Pod[], create: number[], remove: string[]][] = [
    ["makes the first pod first", {}, [], [0], []],
    ["waits until it is ready", {}, [pod(0, "starting")], [], []],
    ["makes the next one then", {}, [pod(0)], [1], []],
    ["fills a gap first", {}, [pod(0), pod(2)], [1], []],
    ["makes all pods at once with Parallel", parallel, [pod(1, "starting")], [0, 2], []],
    ["begins where ordinals.start says", { ordinals: { start: 5 }, replicas: 1 }, [], [5], []],
    ["replaces a pod that has ended", {}, [pod(0, "failed"), pod(1), pod(2)], [], ["db-0"]],
    ["removes the highest surplus pod first", { replicas: 1 }, [pod(0), pod(1), pod(2)], [], ["db-2"]],
    ["waits for a pod on its way out", { replicas: 1 }, [pod(0), pod(1), pod(2, "leaving")], [], []],
    [
      "removes an unhealthy surplus pod, not a healthy one above it",
      { replicas: 1 },
      [pod(0), pod(1, "bad"), pod(2)],
      [],
      ["db-2"],
    ],
    [
      "removes all surplus pods at once with Parallel",
      { ...parallel, replicas: 1 },
      [pod(0), pod(1), pod(2)],
      [],
      ["db-2", "db-1"],
    ],
    [
      "replaces outdated pods from the top",
      {},
      [pod(0, "ready", "v1"), pod(1, "ready", "v1"), pod(2, "ready", "v1")],
      [],
      ["db-2"],
    ],
    [
      "waits for the replaced one",
      parallel,
      [pod(0, "ready", "v1"), pod(1, "ready", "v1"), pod(2, "starting")],
      [],
      [],
    ],
    [
      "leaves pods below the partition alone",
      partition(2),
      [pod(0, "ready", "v1"), pod(1, "ready", "v1"), pod(2)],
      [],
      [],
    ],
    [
      "replaces an outdated pod at the partition",
      partition(2),
      [pod(0, "ready", "v1"), pod(1, "ready", "v1"), pod(2, "ready", "v1")],
      [],
      ["db-2"],
    ],
    [
      "counts the partition from ordinals.start, not from zero",
      { ...partition(1), ordinals: { start: 5 }, replicas: 2 },
      [pod(5, "ready", "v1"), pod(6)],
      [],
      [],
    ],
    [
      "leaves all alone with OnDelete",
      { updateStrategy: { type: "OnDelete" } },
      [pod(0, "ready", "v1"), pod(1), pod(2)],
      [],
      [],
    ],
  ];
  for (const [name, spec, pods, create, remove] of rows) {
    it(name, () => {
      const plan = planStatefulSet(set(spec), pods, "v2", Date.parse("2024-01-02T00:00:00Z"));
      assert.deepEqual(plan.create, create);
      assert.deepEqual(
        plan.remove.map(({ metadata }) => metadata.name),
        remove,
      );
    });
  }
});
