import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answerAdmit } from "../src/main/answer/admit.ts";

interface Answer {
  readonly allowed: boolean;
  readonly message?: string;
  readonly object?: unknown;
  readonly warnings?: readonly string[];
}

type Request = Parameters<typeof answerAdmit>[0] & { readonly id: string };

const cases = readFileSync(new URL("corpus/admit.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as { readonly request: Request; readonly response: { readonly result: Answer } });

for (const { request, response } of cases) {
  test(`${request.operation} of ${request.kind} (${request.id}) is answered as upstream does`, async () => {
    const answer = (await answerAdmit(request)) as Answer & { readonly validate?: Pick<Answer, "warnings"> };
    const { allowed, message, object, validate } = answer;
    const ours: Answer = {
      allowed,
      ...(message !== undefined && { message }),
      ...(allowed && { object }),
      ...(validate?.warnings && { warnings: validate.warnings }),
    };
    assert.deepEqual(essence(ours), essence(response.result));
  });
}

for (const { request, response } of cases) {
  if (request.operation !== "CREATE" || !response.result.allowed) continue;
  test(`once ${request.kind} (${request.id}) has its defaults, a later write of the same changes nothing`, async () => {
    const first = (await answerAdmit(request)) as Answer;
    const again = (await answerAdmit({
      ...request,
      operation: "UPDATE",
      object: first.object,
      oldObject: first.object,
    })) as Answer;
    assert.deepEqual(again.object, first.object);
  });
}

/** Without what Go adds or leaves out where nothing is, and without the wording of Go's JSON decoder. */
function essence(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/json: .*$/s, "json: …");
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) => [key, essence(field)] as const);
  return Object.fromEntries(entries.filter(([, field]) => !isNothing(field)));
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
