import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answerIngress } from "../src/main/answer/ingress.ts";
import { answerMake } from "../src/main/answer/make.ts";
import { answerGc, answerReconcile } from "../src/main/answer/reconcile.ts";
import { answerRollout, answerTraffic } from "../src/main/answer/traffic.ts";

const ops: Readonly<Record<string, (request: never) => unknown>> = {
  make: answerMake,
  reconcile: answerReconcile,
  gc: answerGc,
  ingress: answerIngress,
  rollout: answerRollout,
  traffic: answerTraffic,
};

interface Case {
  readonly request: { readonly id: string; readonly op: string };
  readonly response: { readonly result: unknown };
}

/** Recorded of Services, Configurations and Revisions, and of what carries requests to them. */
const recordings = ["revisions", "network"].map((name) => new URL(`corpus/${name}.jsonl`, import.meta.url));
const cases = recordings.flatMap((recording) =>
  readFileSync(recording, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Case),
);

for (const { request, response } of cases) {
  test(`op ${request.op} (${request.id}) is answered as upstream does`, async () => {
    assert.deepEqual(essence(await ops[request.op]!(request as never)), essence(response.result));
  });
}

/**
 * Without what Go leaves out or adds where nothing is, and without the order that upstream leaves to chance: that of
 * the writes to several objects, and that of the names in the annotation of routes.
 */
function essence(value: unknown, name = ""): unknown {
  if (name === "serving.knative.dev/routes" && typeof value === "string") return value.split(",").sort().join(",");
  if (Array.isArray(value)) {
    const parts = value.map((part) => essence(part));
    return name === "actions" ? parts.sort((a, b) => (describe(a) < describe(b) ? -1 : 1)) : parts;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) => [key, essence(field, key)] as const);
  return Object.fromEntries(entries.filter(([, field]) => !isNothing(field)));
}

function describe(action: unknown): string {
  const { verb, resource, name } = action as Record<string, string>;
  return `${verb} ${resource} ${name}`;
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
