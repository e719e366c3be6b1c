import assert from "node:assert/strict";
import { test } from "node:test";
import { differsOnlyIn } from "./status.ts";

interface Scale {
  readonly actual?: number;
  readonly desired?: number;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly lastTransitionTime: string;
  }[];
}

const active = (status: string, lastTransitionTime: string): Scale => ({
  conditions: [{ type: "Active", status, lastTransitionTime }],
});

for (const [name, stored, wanted, expected] of [
  ["a field that does not count", { actual: 1, desired: 2 }, { actual: 2, desired: 2 }, true],
  ["a field that goes", { actual: 1, desired: 2 }, { desired: 2 }, true],
  ["a field that counts", { actual: 1, desired: 2 }, { actual: 1, desired: 1 }, false],
  ["both", { actual: 1, desired: 2 }, { actual: 0, desired: 0 }, false],
  ["a condition", active("True", "t0"), { ...active("False", "t1"), actual: 0 }, false],
  ["the time of a condition that is as it was", active("True", "t0"), { ...active("True", "t1"), actual: 0 }, true],
  ["nothing was stored", undefined, { actual: 1 }, false],
] satisfies [string, Scale | undefined, Scale, boolean][]) {
  test(`differs only in the actual number: ${name}`, () => {
    assert.equal(differsOnlyIn<Scale>(stored, wanted, ["actual"]), expected);
  });
}
