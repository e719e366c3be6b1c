import assert from "node:assert/strict";
import { test } from "node:test";
import { containerSchema } from "./core/container.ts";
import { semanticEqual } from "./semantic.ts";

const cases: readonly [name: string, a: object, b: object, isEqual: boolean][] = [
  ["an empty list and none", { env: [] }, {}, true],
  ["an empty map and none", { resources: { limits: {} } }, {}, true],
  ["an empty struct that Go always has, and none", { resources: {} }, {}, true],
  ["an empty struct that Go may not have, and none", { securityContext: {} }, {}, false],
  ["false, where Go cannot tell it from absence", { stdin: false }, {}, true],
  [
    "false, where Go can tell it from absence",
    { securityContext: { privileged: false } },
    { securityContext: {} },
    false,
  ],
  [
    "amounts in two spellings",
    { resources: { limits: { cpu: 1 } } },
    { resources: { limits: { cpu: "1000m" } } },
    true,
  ],
  ["different amounts", { resources: { limits: { cpu: "1" } } }, { resources: { limits: { cpu: "2" } } }, false],
  ["null and nothing", { command: null }, {}, true],
  ["lists in another order", { args: ["a", "b"] }, { args: ["b", "a"] }, false],
];

for (const [name, a, b, isEqual] of cases) {
  test(`${name} ${isEqual ? "mean the same" : "are different"}`, () => {
    assert.equal(semanticEqual(containerSchema, a, b), isEqual);
    assert.equal(semanticEqual(containerSchema, b, a), isEqual);
  });
}
