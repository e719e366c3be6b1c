import assert from "node:assert/strict";
import { test } from "node:test";
import { contextNameOf } from "./context-name.ts";

const rows: [dataDir: string, name: string][] = [
  ["/home/ann/.hakn", "hakn"],
  ["/home/ann/hakn", "hakn"],
  ["/tmp/try", "hakn-try"],
  ["/tmp/my second cluster", "hakn-my-second-cluster"],
  ["/tmp/hakn-two", "hakn-two"],
  ["/", "hakn"],
];
for (const [dataDir, name] of rows) {
  test(`the context of the cluster in ${dataDir} is ${name}`, () => assert.equal(contextNameOf(dataDir), name));
}
