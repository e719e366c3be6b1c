import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalQuantity, compareQuantities, parseQuantity, QuantityError } from "./quantity.ts";

/** Recorded from k8s.io/apimachinery v0.29. */
const printed: Readonly<Record<string, string>> = {
  "1": "1",
  "100m": "100m",
  "1.5": "1500m",
  "1500m": "1500m",
  "1Gi": "1Gi",
  "1024Mi": "1Gi",
  "1.5Gi": "1536Mi",
  "0.5": "500m",
  "1e3": "1e3",
  "1E3": "1E3",
  "0": "0",
  "0.0": "0",
  "-1": "-1",
  "+5Mi": "+5Mi",
  "1.250": "1.250",
  "0.0000000001": "1n",
  "1000k": "1M",
  "1000000": "1M",
  "123456789012345678901": "123456789012345678901",
  "1.1Ki": "1126400m",
  "0.5Ki": "512",
};

test("amounts are printed as Kubernetes prints them", () => {
  for (const [text, want] of Object.entries(printed)) {
    assert.equal(canonicalQuantity(text), want, text);
  }
});

test("what is no amount is refused in Kubernetes' words", () => {
  const format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  const suffix = "unable to parse quantity's suffix";
  const cases: [string, string][] = [
    ["", format],
    ["zz", format],
    ["1 ", format],
    ["1..2", format],
    ["1Mx", format],
    ["1K", suffix],
    ["1e", suffix],
    ["1mm", suffix],
  ];
  for (const [text, message] of cases) assert.throws(() => parseQuantity(text), { message }, text);
});

test("amounts are compared by what they are worth", () => {
  const less = (a: string, b: string) => compareQuantities(parseQuantity(a), parseQuantity(b)) < 0;
  assert.ok(less("999m", "1"));
  assert.ok(less("1G", "1Gi"));
  assert.ok(less("-1", "0"));
  assert.equal(compareQuantities(parseQuantity("1024Mi"), parseQuantity("1Gi")), 0);
});

test("the canonical form is worth the same and is canonical", () => {
  const amount = fc.stringMatching(/^[+-]?\d{1,12}(\.\d{1,6})?([numkMGTPE]|[KMGTP]i)?$/);
  fc.assert(
    fc.property(amount, (text) => {
      const canonical = canonicalQuantity(text);
      assert.equal(compareQuantities(parseQuantity(text), parseQuantity(canonical)), 0);
      assert.equal(canonicalQuantity(canonical), canonical);
    }),
  );
});

test("no text costs more than its length is worth", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      try {
        assert.ok(parseQuantity(text).text.length < 400);
      } catch (error) {
        assert.ok(error instanceof QuantityError);
      }
    }),
  );
  assert.ok(parseQuantity("1e999999999").text.length < 20);
});
