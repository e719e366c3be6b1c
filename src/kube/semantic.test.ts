import assert from "node:assert/strict";
import { test } from "node:test";
import { semanticEqual } from "./semantic.ts";
import { changedStatus } from "./status.ts";

const cases: readonly [string, unknown, unknown, boolean][] = [
  ["the same in another order", { a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 }, true],
  ["absent and undefined", { a: undefined }, {}, true],
  ["absent and null", { a: null }, {}, true],
  ["absent and an empty list", { a: [] }, {}, true],
  ["an empty map and an empty list", { a: {} }, { a: [] }, true],
  ["absent and a map of nothing but empty fields", { a: { b: {}, c: null } }, {}, true],
  ["absent and a list of an empty map", { a: [{}] }, {}, false],
  ["absent and zero", { a: 0 }, {}, false],
  ["absent and the empty text", { a: "" }, {}, false],
  ["absent and false", { a: false }, {}, false],
  ["another order of a list", [1, 2], [2, 1], false],
  ["a longer list", [1], [1, 2], false],
  ["a list and a map of the same keys", ["x"], { 0: "x" }, false],
  ["a number and its text", { a: 1 }, { a: "1" }, false],
];
for (const [name, a, b, equal] of cases) {
  test(`${name} ${equal ? "mean the same" : "differ"}`, () => {
    assert.equal(semanticEqual(a, b), equal);
    assert.equal(semanticEqual(b, a), equal);
  });
}

test("a status whose conditions differ only in their times is no change", () => {
  const stored = { conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2024-01-01T00:00:00Z" }] };
  const wanted = { conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2024-06-01T00:00:00Z" }] };
  assert.equal(changedStatus(stored, wanted), undefined);
});

test("conditions that stay keep their time while others change", () => {
  const stored = {
    conditions: [
      { type: "A", status: "True", lastTransitionTime: "2024-01-01T00:00:00Z" },
      { type: "B", status: "Unknown", lastTransitionTime: "2024-01-01T00:00:00Z" },
    ],
  };
  const wanted = {
    conditions: [
      { type: "A", status: "True", lastTransitionTime: "2024-06-01T00:00:00Z" },
      { type: "B", status: "True", lastTransitionTime: "2024-06-01T00:00:00Z" },
    ],
  };
  assert.deepEqual(changedStatus(stored, wanted), { conditions: [stored.conditions[0], wanted.conditions[1]] });
});
