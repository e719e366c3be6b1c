import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answerAutoscale, answerMetrics, answerWindows } from "../src/main/answer/autoscale.ts";

const ops: Readonly<Record<string, (request: never) => unknown>> = {
  autoscale: answerAutoscale,
  windows: answerWindows,
  metrics: answerMetrics,
};

const cases = readFileSync(new URL("corpus/autoscale.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as { request: { id: string; op: string }; response: { result: unknown } });

for (const { request, response } of cases) {
  test(`${request.op} ${request.id} decides as upstream does`, () => {
    const answer = JSON.parse(JSON.stringify(ops[request.op]!(request as never)));
    assert.deepEqual(rounded(answer), rounded(response.result));
  });
}

/** Powers differ in their last digits from one language to the next. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item) => (typeof item === "number" ? Number(item.toPrecision(12)) : item)),
  );
}
