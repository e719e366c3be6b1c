import assert from "node:assert/strict";
import { test } from "node:test";
import { semanticCovers, semanticEqual } from "./semantic.ts";
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

const coverings: readonly [string, unknown, unknown, boolean][] = [
  ["what has the server's defaults beside it", { a: 1, defaulted: true }, { a: 1 }, true],
  ["what is defaulted deep inside", { list: [{ name: "x", port: 80 }] }, { list: [{ name: "x" }] }, true],
  ["nothing", { a: 1 }, { a: {}, b: [], c: null }, true],
  ["another value", { a: 1 }, { a: 2 }, false],
  ["a field that is missing", { a: 1 }, { b: 1 }, false],
  ["a shorter list", { list: [1, 2] }, { list: [1] }, false],
  ["a list where there is none", { list: undefined }, { list: [1] }, false],
  ["a map where there is a value", { a: 1 }, { a: { b: 1 } }, false],
];
for (const [name, present, wanted, covered] of coverings) {
  test(`${name} is ${covered ? "" : "not "}covered`, () => {
    assert.equal(semanticCovers(present, wanted), covered);
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
