import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../../apis/meta.ts";
import { judge, type OwnerState, stateOfPresent, type Verdict } from "./decide.ts";

const object = (owners: readonly string[], finalizers: string[] = []): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "p",
    finalizers,
    ownerReferences: owners.map((uid) => ({ apiVersion: "v1", kind: "X", name: uid, uid })),
  },
});

describe("the garbage collector", () => {
  const keep: Verdict = { type: "keep" };
  const rows: [
    name: string,
    owners: OwnerState[],
    dependents: OwnerState[],
    finalizers: string[],
    want: Verdict | "release",
  ][] = [
    ["keeps what nobody owns", [], [], [], keep],
    ["keeps what has its owner", ["solid"], [], [], keep],
    ["deletes what has lost its only owner", ["gone"], [], [], { type: "delete", policy: "Background" }],
    ["deletes what has lost all owners", ["gone", "gone"], ["solid"], [], { type: "delete", policy: "Background" }],
    ["takes references to lost owners away while one is left", ["gone", "solid"], [], [], "release"],
    ["takes references to waiting owners away while another is left", ["waiting", "solid"], [], [], "release"],
    ["deletes what a waiting owner waits for", ["waiting"], [], [], { type: "delete", policy: "Background" }],
    [
      "goes on with foreground deletion where more depend on it",
      ["waiting"],
      ["solid"],
      [],
      { type: "delete", policy: "Foreground" },
    ],
    [
      "goes on with it, too, beside others that wait, where it holds nobody up",
      ["waiting"],
      ["waiting"],
      [],
      { type: "delete", policy: "Foreground" },
    ],
    ["heeds the object's own wish to orphan", ["gone"], [], ["orphan"], { type: "delete", policy: "Orphan" }],
  ];
  for (const [name, states, dependents, finalizers, want] of rows) {
    it(name, () => {
      const owners = states.map((_, index) => String(index));
      const verdict = judge(object(owners, finalizers), ({ uid }) => states[Number(uid)]!, dependents);
      if (want !== "release") assert.deepEqual(verdict, want);
      else {
        assert.equal(verdict.type, "release");
        assert.deepEqual(verdict.type === "release" && verdict.ownerReferences.map(({ uid }) => uid), ["1"]);
      }
    });
  }

  it("holds nobody up any more where it would wait for one that may wait for it", () => {
    const reference = { apiVersion: "v1", kind: "X", name: "o", uid: "o", blockOwnerDeletion: true };
    const other = { apiVersion: "v1", kind: "X", name: "p", uid: "p" };
    const inCircle = { ...object([]), metadata: { name: "p", ownerReferences: [reference, other] } };
    assert.deepEqual(
      judge(inCircle, () => "waiting", ["solid", "waiting"]),
      {
        type: "release",
        ownerReferences: [reference, other].map((owner) => ({ ...owner, blockOwnerDeletion: false })),
      },
    );
  });

  it("takes an owner for waiting only while it is deleted in the foreground", () => {
    const owner = object([], ["foregroundDeletion"]);
    assert.equal(stateOfPresent(owner), "solid");
    assert.equal(
      stateOfPresent({ ...owner, metadata: { ...owner.metadata, deletionTimestamp: "2024-01-01T00:00:00Z" } }),
      "waiting",
    );
  });
});
