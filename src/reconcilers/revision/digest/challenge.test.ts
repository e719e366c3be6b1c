import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges } from "./challenge.ts";

for (const [header, challenges] of [
  [
    'Bearer realm="https://a/t",service="s, x"',
    [{ scheme: "bearer", parameters: { realm: "https://a/t", service: "s, x" } }],
  ],
  ["Basic", [{ scheme: "basic", parameters: {} }]],
  [
    'Negotiate, Basic realm="a \\"b\\"", Bearer realm=x',
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: 'a "b"' } },
      { scheme: "bearer", parameters: { realm: "x" } },
    ],
  ],
  ["", []],
] as const) {
  test(`the challenge ${JSON.stringify(header)} is understood`, () => {
    assert.deepEqual(parseChallenges(header), challenges);
  });
}
