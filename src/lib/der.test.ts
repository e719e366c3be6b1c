import assert from "node:assert/strict";
import { test } from "node:test";
import { integer, octetString } from "./der.ts";

for (const [name, bytes, hex] of [
  ["zero", "00", "020100"],
  ["zeros", "0000", "020100"],
  ["a small number", "7f", "02017f"],
  ["a number that would look negative", "80", "02020080"],
  ["a larger one", "ff01", "020300ff01"],
  ["a number with zeros before it", "00007f", "02017f"],
  ["one that needs one of them", "000080", "02020080"],
] as const) {
  test(`the integer ${name} is encoded as ${hex}`, () => {
    assert.equal(integer(Buffer.from(bytes, "hex")).toString("hex"), hex);
  });
}

for (const [size, head] of [
  [0, "0400"],
  [127, "047f"],
  [128, "048180"],
  [255, "0481ff"],
  [256, "04820100"],
  [65_536, "0483010000"],
] as const) {
  test(`the length ${size} is written in as few bytes as it takes`, () => {
    const encoded = octetString(Buffer.alloc(size));
    assert.equal(encoded.subarray(0, encoded.length - size).toString("hex"), head);
  });
}
