import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { answerReconcile } from "../src/main/answer/reconcile.ts";
import { type Answer, essenceOf } from "./compare/essence.ts";
import { explain, listed } from "./compare/listed.ts";
import type { Loose } from "./walks/world.ts";

interface Case {
  readonly row: string;
  readonly request: Loose;
  readonly response: Answer;
}

/** Where upstream was recorded to differ from us, by a row of docs/differences.md. */
const cases = readFileSync(new URL("corpus/listed.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

const answered = async (request: Loose) =>
  essenceOf(request.op, { ok: true, result: JSON.parse(JSON.stringify(await answerReconcile(request))) });

describe("a listed difference", () => {
  const document = readFileSync(new URL("../docs/differences.md", import.meta.url), "utf8");
  for (const { row } of listed) {
    test(`is in the document: ${row}`, () => assert.ok(document.includes(`\n| ${row} `)));
    test(`was seen: ${row}`, () => assert.ok(cases.some((known) => known.row === row)));
  }

  for (const { row, request, response } of cases) {
    test(`is all that tells us from upstream: ${row} (${request.id})`, async () => {
      const upstream = essenceOf(request.op, response);
      const ours = await answered(request);
      assert.notDeepEqual(ours, upstream);
      assert.deepEqual(explain(upstream, request, ours), { answer: ours, rows: [row] });
    });

    test(`explains nothing else: ${row} (${request.id})`, async () => {
      const upstream = essenceOf(request.op, response);
      const wrong = { ...(await answered(request)), events: ["Normal Wrong Told by mistake"] };
      assert.ok(!isDeepStrictEqual(explain(upstream, request, wrong).answer, wrong));
    });
  }
});
