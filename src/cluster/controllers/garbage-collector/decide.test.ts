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
    hasDependents: boolean,
    finalizers: string[],
    want: Verdict | "release",
  ][] = [
    ["keeps what nobody owns", [], false, [], keep],
    ["keeps what has its owner", ["solid"], false, [], keep],
    ["deletes what has lost its only owner", ["gone"], false, [], { type: "delete", policy: "Background" }],
    ["deletes what has lost all owners", ["gone", "gone"], true, [], { type: "delete", policy: "Background" }],
    ["takes references to lost owners away while one is left", ["gone", "solid"], false, [], "release"],
    ["takes references to waiting owners away while another is left", ["waiting", "solid"], false, [], "release"],
    ["deletes what a waiting owner waits for", ["waiting"], false, [], { type: "delete", policy: "Background" }],
    [
      "goes on with foreground deletion where more depend on it",
      ["waiting"],
      true,
      [],
      { type: "delete", policy: "Foreground" },
    ],
    ["heeds the object's own wish to orphan", ["gone"], false, ["orphan"], { type: "delete", policy: "Orphan" }],
  ];
  for (const [name, states, hasDependents, finalizers, want] of rows) {
    it(name, () => {
      const owners = states.map((_, index) => String(index));
      const verdict = judge(object(owners, finalizers), ({ uid }) => states[Number(uid)]!, hasDependents);
      if (want !== "release") assert.deepEqual(verdict, want);
      else {
        assert.equal(verdict.type, "release");
        assert.deepEqual(verdict.type === "release" && verdict.ownerReferences.map(({ uid }) => uid), ["1"]);
      }
    });
  }

  it("takes an owner for waiting only while it is deleted in the foreground", () => {
    const owner = object([], ["foregroundDeletion"]);
    assert.equal(stateOfPresent(owner), "solid");
    assert.equal(
      stateOfPresent({ ...owner, metadata: { ...owner.metadata, deletionTimestamp: "2024-01-01T00:00:00Z" } }),
      "waiting",
    );
  });
});
