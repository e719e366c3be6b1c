import assert from "node:assert/strict";
import { test } from "node:test";
import { hostMatches } from "./host-pattern.ts";

for (const [pattern, host, matches] of [
  ["ghcr.io", "ghcr.io", true],
  ["ghcr.io", "ghcrxio", false],
  ["*.example.com", "eu.example.com", true],
  ["*.example.com", "example.com", false],
  ["*.example.com", "a.b.example.com", false],
  ["*.*.example.com", "a.b.example.com", true],
  ["eu-*.example.com", "eu-west.example.com", true],
  ["eu-*.example.com", "us-west.example.com", false],
  ["*-a*-b.io", "x-a-b-a-b.io", true],
  ["*-a*-b.io", "x-a-b-a-c.io", false],
  ["reg?.io", "reg1.io", true],
  ["reg?.io", "reg.io", false],
  ["reg[0-3].io", "reg2.io", true],
  ["reg[0-3].io", "reg4.io", false],
  ["reg[^0-3].io", "reg4.io", true],
  ["reg[ab.io", "rega.io", false],
  ["reg[z-a].io", "regm.io", false],
  ["*.example.com:5000", "eu.example.com:5000", true],
  ["*.example.com:5000", "eu.example.com", false],
  ["*.example.com", "eu.example.com:5000", false],
  ["[::1]:5000", "[::1]:5000", true],
  ["(a+)+.io", "(a+)+.io", true],
  ["", "ghcr.io", false],
] as const) {
  test(`the pattern "${pattern}" ${matches ? "means" : "does not mean"} ${host}`, () => {
    assert.equal(hostMatches(pattern, host), matches);
  });
}

test("a pattern that is made to take long does not", () => {
  const before = process.cpuUsage();
  assert.equal(hostMatches(`${"*a".repeat(500)}.io`, `${"a".repeat(2000)}b.io`), false);
  assert.ok(process.cpuUsage(before).user < 2_000_000);
});
