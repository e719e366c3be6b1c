import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { childName } from "./child-name.ts";

const md5 = (text: string) => createHash("md5").update(text).digest("hex");
const a = (length: number) => "a".repeat(length);
const s = (length: number) => "s".repeat(length);

const rows: [name: string, parent: string, suffix: string, want: string][] = [
  ["a short name is left as it is", "app", "-route", "app-route"],
  ["63 characters still fit", a(57), "-route", `${a(57)}-route`],
  ["of 64 the parent is hashed", a(58), "-route", `${a(25)}${md5(a(58))}-route`],
  ["a suffix of 30 leaves one character of the parent", a(40), s(30), `a${md5(a(40))}${s(30)}`],
  ["a suffix of 31 leaves none, so it is hashed too", a(40), s(31), `${a(31)}${md5(a(40) + s(31))}`],
  [
    "a short parent leaves room for the beginning of a long suffix",
    a(10),
    s(60),
    `${a(10)}${md5(a(10) + s(60))}${s(21)}`,
  ],
  [
    "a name does not end with a dash",
    a(10),
    `${s(20)}-${s(40)}`,
    `${a(10)}${md5(`${a(10)}${s(20)}-${s(40)}`)}${s(20)}`,
  ],
];
for (const [name, parent, suffix, want] of rows) {
  test(name, () => {
    assert.equal(childName(parent, suffix), want);
    assert.ok(want.length <= 63);
  });
}
