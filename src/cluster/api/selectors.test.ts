import assert from "node:assert/strict";
import { test } from "node:test";
import { isNotFound } from "../../kube/errors.ts";
import { matchesSelector, parseFieldSelector, parseLabelSelector } from "./selectors.ts";

const labels = { app: "web", tier: "front", "example.com/n": "5" };

const cases: readonly [selector: string, matches: boolean][] = [
  ["", true],
  ["app=web", true],
  ["app==web,tier!=back", true],
  ["app!=web", false],
  ["missing!=x", true],
  ["app in (db, web)", true],
  ["app notin (db,web)", false],
  ["missing notin (a)", true],
  ["app", true],
  ["!app", false],
  ["!missing", true],
  ["example.com/n>4,example.com/n<6", true],
  ["example.com/n>5", false],
  ["app=", false],
];

for (const [selector, matches] of cases) {
  test(`the selector "${selector}" ${matches ? "matches" : "does not match"}`, () => {
    assert.equal(parseLabelSelector(selector)(labels), matches);
  });
}

test("selectors that cannot be read are refused", () => {
  for (const selector of ["a in (", "a b", ",", "=x", "a>b", "-a=b", "a=b c"]) {
    assert.throws(() => parseLabelSelector(selector), { code: 400 }, selector);
  }
});

test("a selector object must hold in all its parts", () => {
  assert.equal(matchesSelector(undefined, labels), false);
  assert.equal(matchesSelector({}, labels), true);
  const expression = { key: "tier", operator: "In" as const, values: ["front"] };
  assert.equal(matchesSelector({ matchLabels: { app: "web" }, matchExpressions: [expression] }, labels), true);
  assert.equal(matchesSelector({ matchExpressions: [{ ...expression, operator: "NotIn" }] }, labels), false);
});

test("field selectors know the kind's fields only", () => {
  const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } };
  const fields = (): Record<string, string> => ({ "metadata.name": "a", "status.phase": "" });
  const parse = (text: string) => parseFieldSelector(text, ["metadata.name", "status.phase"], fields);
  assert.equal(parse("metadata.name=a,status.phase!=Running").matches(object), true);
  assert.equal(parse("status.phase=Running").matches(object), false);
  assert.equal(parse("metadata.name=a").name, "a");
  assert.throws(
    () => parse("spec.x=1"),
    (error) => !isNotFound(error) && /is not a known field selector/.test(String(error)),
  );
});
