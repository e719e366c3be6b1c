import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatGoFloat,
  NumberError,
  parseGoAtoi,
  parseGoBool,
  parseGoFloat,
  parseGoInt,
  parseGoUint,
} from "./go-number.ts";
import { goQuote } from "./go-quote.ts";

test("integers are read within their bits, and refused in Go's words", () => {
  assert.equal(parseGoInt("-2147483648", 32), -2_147_483_648);
  assert.equal(parseGoInt("+7", 64), 7);
  assert.equal(parseGoUint("4294967295", 32), 4_294_967_295);
  const refused: [() => unknown, string][] = [
    [() => parseGoInt("2147483648", 32), 'strconv.ParseInt: parsing "2147483648": value out of range'],
    [() => parseGoInt("1_000", 64), 'strconv.ParseInt: parsing "1_000": invalid syntax'],
    [() => parseGoInt("", 64), 'strconv.ParseInt: parsing "": invalid syntax'],
    [() => parseGoAtoi("x"), 'strconv.Atoi: parsing "x": invalid syntax'],
    [() => parseGoUint("-1", 64), 'strconv.ParseUint: parsing "-1": invalid syntax'],
    [() => parseGoUint("4294967296", 32), 'strconv.ParseUint: parsing "4294967296": value out of range'],
    [() => parseGoBool("yes"), 'strconv.ParseBool: parsing "yes": invalid syntax'],
  ];
  for (const [parse, message] of refused) assert.throws(parse, { message });
});

test("floating-point numbers are read as Go reads them", () => {
  const cases: [string, number][] = [
    ["1e3", 1000],
    [".5", 0.5],
    ["5.", 5],
    ["1_000.5", 1000.5],
    ["0x1p-2", 0.25],
    ["0x_1.8p1", 3],
    ["inf", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["NaN", Number.NaN],
  ];
  for (const [text, want] of cases) assert.equal(parseGoFloat(text), want, text);
  for (const text of ["", ".", "1__0", "_1", "1_", "0x1", "1e", "x", "+nan", " 1", "1e400"]) {
    assert.throws(() => parseGoFloat(text), NumberError, text);
  }
});

test("floating-point numbers are printed with the fewest digits, and read back", () => {
  const cases: [number, string][] = [
    [100, "100"],
    [1e6, "1e+06"],
    [1_234_567, "1.234567e+06"],
    [1e-4, "0.0001"],
    [0.000_012_34, "1.234e-05"],
    [0, "0"],
    [-0, "-0"],
  ];
  for (const [value, want] of cases) assert.equal(formatGoFloat(value), want);
  fc.assert(fc.property(fc.double(), (value) => Object.is(parseGoFloat(formatGoFloat(value)), value)));
});

test("texts are quoted as Go does", () => {
  assert.equal(goQuote('a"\\\n\u0007\u007f\u200bé😀\u00a0'), '"a\\"\\\\\\n\\a\\x7f\\u200bé😀\\u00a0"');
});
