import assert from "node:assert/strict";
import { test } from "node:test";
import type { Schema } from "./schema.ts";
import { applyDefaults, prune } from "./structural.ts";
import { validate } from "./structural-validation.ts";

const schema: Schema = {
  type: "object",
  properties: {
    metadata: { type: "object" },
    spec: {
      type: "object",
      required: ["image"],
      properties: {
        image: { type: "string", minLength: 2, pattern: "^[a-z]+$" },
        replicas: { type: "integer", default: 1, maximum: 5 },
        mode: { type: "string", enum: ["A", "B"] },
        port: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
        labels: { type: "object", additionalProperties: { type: "string" } },
        free: {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
          properties: { known: { type: "object" } },
        },
        ports: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: {
            type: "object",
            properties: { name: { type: "string", default: "http" }, number: { type: "integer" } },
          },
        },
      },
    },
  },
};

test("pruning removes what the schema does not know, and tells where", () => {
  const value = {
    kind: "X",
    metadata: { name: "x", anything: 1 },
    other: 1,
    spec: { foo: 1, labels: { a: "b" }, free: { x: 1, known: { y: 1 } }, ports: [{ name: "a", bar: 2 }] },
  };
  assert.deepEqual(prune(schema, value), [
    "metadata.anything",
    "other",
    "spec.foo",
    "spec.free.known.y",
    "spec.ports[0].bar",
  ]);
  assert.deepEqual(value, {
    kind: "X",
    metadata: { name: "x" },
    spec: { labels: { a: "b" }, free: { x: 1, known: {} }, ports: [{ name: "a" }] },
  });
});

test("defaults fill in what is absent or null, also in lists", () => {
  const value = { spec: { replicas: null, ports: [{ number: 1 }, { name: "x" }] } };
  applyDefaults(schema, value);
  assert.deepEqual(value, { spec: { replicas: 1, ports: [{ number: 1, name: "http" }, { name: "x" }] } });
});

const cases: readonly [name: string, spec: unknown, ...errors: string[]][] = [
  ["a valid object", { image: "web", replicas: 2, mode: "A", port: "http" }],
  [
    "a wrong type",
    { image: "web", replicas: "2" },
    'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
  ],
  ["a missing field", {}, "spec.image: Required value"],
  [
    "a value that is not in the enum",
    { image: "web", mode: "C" },
    'spec.mode: Unsupported value: "C": supported values: "A", "B"',
  ],
  [
    "a text that is too short",
    { image: "a" },
    'spec.image: Invalid value: "a": spec.image in body should be at least 2 chars long',
  ],
  [
    "a text that does not match",
    { image: "ABC" },
    "spec.image: Invalid value: \"ABC\": spec.image in body should match '^[a-z]+$'",
  ],
  [
    "a number that is too large",
    { image: "web", replicas: 6 },
    "spec.replicas: Invalid value: 6: spec.replicas in body should be less than or equal to 5",
  ],
  [
    "null where it is not allowed",
    { image: null },
    'spec.image: Invalid value: "null": spec.image in body must be of type string: "null"',
  ],
  [
    "elements with the same key",
    { image: "web", ports: [{ name: "a" }, { name: "a" }] },
    'spec.ports[1]: Duplicate value: {"name":"a"}',
  ],
];

for (const [name, spec, ...errors] of cases) {
  test(`validation of ${name}`, () => {
    const found = validate(schema, { spec }).map(({ field, message }) => `${field}: ${message}`);
    assert.deepEqual(found, errors);
  });
}
