import assert from "node:assert/strict";
import { test } from "node:test";
import { goPattern } from "./go-pattern.ts";

const cases: readonly [pattern: string, fits: string, not: string][] = [
  ["^[a-z]+$", "abc", "ABC"],
  ["(?i)^abc$", "ABC", "abd"],
  ["\\Aab\\z", "ab", "abc"],
  ["^[[:alpha:]_]+$", "ab_", "a1"],
  ["^(?P<year>\\d{4})$", "2026", "26"],
  ["^a\\:b\\_c$", "a:b_c", "abc"],
  ["^\\pL+$", "äöü", "1"],
  ["^.$", "😀", "ab"],
];

for (const [pattern, fits, not] of cases) {
  test(`Go's ${pattern} fits ${fits} and not ${not}`, () => {
    assert.equal(goPattern(pattern)?.test(fits), true);
    assert.equal(goPattern(pattern)?.test(not), false);
  });
}

test("what JavaScript cannot express is told", () => assert.equal(goPattern("a**"), undefined));
