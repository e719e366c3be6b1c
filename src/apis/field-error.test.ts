import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asWarnings,
  byBytes,
  errorsOf,
  type Findings,
  invalidValue,
  missing,
  problem,
  problemWith,
  under,
  underElement,
  underKey,
  warningsOf,
} from "./field-error.ts";

const cases: readonly [name: string, findings: Findings, text: string | undefined][] = [
  ["nothing", [], undefined],
  ["one field", missing("name"), "missing field(s): name"],
  [
    "fields and elements",
    under("spec", underElement("containers", 0, missing("image"))),
    "missing field(s): spec.containers[0].image",
  ],
  ["the value itself", under("spec", missing("")), "missing field(s): spec"],
  ["elements of elements", under("a", under(1, under(0, missing("b")))), "missing field(s): a[1][0].b"],
  ["a map's entry", under("labels", underKey("x", missing(""))), "missing field(s): labels[x]"],
  ["a map's entry whose key has dots", under("labels", underKey("x.y", missing(""))), "missing field(s): labels.[x.y]"],
  [
    "the same of several fields, once and sorted",
    [...missing("b"), ...missing("a"), ...missing("b")],
    "missing field(s): a, b",
  ],
  ["different messages, sorted", [...problem("z", "f"), ...missing("b")], "missing field(s): b\nz: f"],
  ["details on a line of their own", problemWith("more", "bad", "f"), "bad: f\nmore"],
  ["a message about no field", problem("bad"), "bad: "],
  ["a value", invalidValue("x", "f", "a", "b"), "invalid value: x: f\na, b"],
  ["warnings apart", asWarnings(missing("a")), undefined],
];

for (const [name, findings, text] of cases) {
  test(`the text of findings tells ${name}`, () => assert.equal(errorsOf(findings), text));
}

test("warnings have texts of their own", () => {
  assert.deepEqual(warningsOf([...asWarnings(missing("b", "a")), ...missing("c")]), ["missing field(s): a, b"]);
});

test("texts are sorted as Go sorts them: by code points", () => {
  const sorted = ["", "A", "a", "aa", "b", "é", "\uffee", "\u{1f600}", "\u{1f601}"];
  assert.deepEqual([...sorted].reverse().sort(byBytes), sorted);
});
