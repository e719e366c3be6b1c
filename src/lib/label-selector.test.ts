import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesSelector, type Selector } from "./label-selector.ts";

const labels = { app: "web", tier: "gold" };
const term = (key: string, operator: string, ...values: string[]): Selector => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});

for (const [name, selector, fits] of [
  ["an empty selector", {}, true],
  ["all labels", { matchLabels: { app: "web", tier: "gold" } }, true],
  ["one label of two", { matchLabels: { app: "web", tier: "tin" } }, false],
  ["In", term("app", "In", "api", "web"), true],
  ["In, with another value", term("app", "In", "api"), false],
  ["In, without the label", term("zone", "In", "a"), false],
  ["NotIn", term("app", "NotIn", "api"), true],
  ["NotIn, with the value", term("app", "NotIn", "api", "web"), false],
  ["NotIn, without the label", term("zone", "NotIn", "a"), true],
  ["Exists", term("app", "Exists"), true],
  ["Exists, without the label", term("zone", "Exists"), false],
  ["DoesNotExist", term("zone", "DoesNotExist"), true],
  ["DoesNotExist, with the label", term("app", "DoesNotExist"), false],
  [
    "a label and an expression that does not hold",
    { matchLabels: { app: "web" }, ...term("tier", "NotIn", "gold") },
    false,
  ],
  [
    "two expressions, of which one holds",
    { matchExpressions: [...term("app", "Exists").matchExpressions!, ...term("zone", "Exists").matchExpressions!] },
    false,
  ],
] as const satisfies readonly (readonly [string, Selector, boolean])[]) {
  test(`${name}: ${fits ? "fits" : "does not fit"}`, () => assert.equal(matchesSelector(selector, labels), fits));
}
