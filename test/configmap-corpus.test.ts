import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answerConfigMap } from "../src/main/answer/configmap.ts";

interface Case {
  readonly request: { readonly id: string; readonly name: string };
  readonly response: { readonly result: unknown };
}

const cases = readFileSync(new URL("corpus/configmap.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

test("ConfigMaps are read and refused as upstream does", () => {
  for (const { request, response } of cases) {
    assert.deepEqual(essence(answerConfigMap(request)), essence(response.result), `${request.id} ${request.name}`);
  }
});

/** Leaves out what is empty, which the two sides write differently, and the wording of Go's JSON decoder. */
function essence(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/json: .*$/s, "json: …");
  if (typeof value !== "object" || value === null) return value;
  const parts = Object.entries(value).map(([name, part]) => [name, essence(part)] as const);
  return Object.fromEntries(parts.filter(([, part]) => !isEmpty(part)));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
