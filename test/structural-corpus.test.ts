import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Schema } from "../src/apis/schema.ts";
import { applyDefaults, prune } from "../src/apis/structural.ts";
import { validate } from "../src/apis/structural-validation.ts";

type Cause = readonly [field: string, reason: string, message: string];

interface Case {
  /** What was sent as spec. */
  readonly sent: unknown;
  /** What came back, and the fields of which the answer warned. */
  readonly spec?: unknown;
  readonly unknown?: readonly string[];
  /** Why it was refused. */
  readonly causes?: readonly Cause[];
}

/** Recorded from kube-apiserver 1.34.4, with a CustomResourceDefinition of this schema. */
const { schema, cases } = JSON.parse(readFileSync(new URL("corpus/structural.json", import.meta.url), "utf8")) as {
  readonly schema: Schema;
  readonly cases: readonly Case[];
};

for (const { sent, spec, unknown, causes } of cases) {
  test(`a custom resource with spec ${JSON.stringify(sent)} fares as with kube-apiserver`, () => {
    const object = {
      apiVersion: "test.example.com/v1",
      kind: "Sample",
      metadata: { name: "x" },
      spec: structuredClone(sent),
    };
    const removed = prune(schema, object);
    applyDefaults(schema, object);
    const errors = validate(schema, object).map(({ field, type, message }): Cause => [field, type, message]);
    if (causes) return assert.deepEqual(errors.toSorted(), [...causes].sort());
    assert.deepEqual(errors, []);
    assert.deepEqual(object.spec, spec);
    assert.deepEqual(removed, unknown);
  });
}
