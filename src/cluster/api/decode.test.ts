import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "../../apis/core/configmap.ts";
import { Pod } from "../../apis/core/pod.ts";
import { fit, parseBody } from "./decode.ts";
import { objectSchemaOf } from "./object-schema.ts";
import { strategicMerge } from "./strategic-merge.ts";

const inherited = ["constructor", "toString", "hasOwnProperty", "valueOf"];

test("a field that every JavaScript object inherits is unknown like any other", () => {
  const misfits = { unknown: [] as string[], mistyped: [] as string[] };
  const spec = Object.fromEntries(inherited.map((name) => [name, { type: "object" }]));
  assert.deepEqual(fit({ spec: { ...spec, nodeName: "n" } }, objectSchemaOf(Pod), misfits), {
    spec: { nodeName: "n" },
  });
  assert.deepEqual(misfits, { unknown: inherited.map((name) => `spec.${name}`), mistyped: [] });
});

test("a map's key may have such a name", () => {
  const misfits = { unknown: [], mistyped: [] };
  const data = Object.fromEntries(inherited.map((name) => [name, "x"]));
  assert.deepEqual(fit({ data }, objectSchemaOf(ConfigMap), misfits), { data });
  assert.deepEqual(misfits, { unknown: [], mistyped: [] });
});

test("a value of a wrong type below such a name is told in words", () => {
  const misfits = { unknown: [], mistyped: [] as string[] };
  fit({ metadata: { annotations: { constructor: 7 } } }, objectSchemaOf(ConfigMap), misfits);
  assert.deepEqual(misfits.mistyped, [
    "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.annotations of type string",
  ]);
});

test("a patch may add a key of such a name", () => {
  const target = { data: { a: "1" } };
  const patch = { data: { constructor: "2" } };
  assert.deepEqual(strategicMerge(target, patch, objectSchemaOf(ConfigMap)), { data: { a: "1", constructor: "2" } });
});

for (const [mediaType, body] of [
  ["application/json", '{"a":{"__proto__":{"polluted":true},"b":1}}'],
  ["application/yaml", "a:\n  __proto__: {polluted: true}\n  b: 1\n"],
] as const) {
  test(`${mediaType} cannot change an object's prototype`, () => {
    const { a } = parseBody(Buffer.from(body), mediaType) as { a: object };
    assert.deepEqual(a, { b: 1 });
    assert.equal(Object.hasOwn(a, "__proto__"), false);
    assert.equal("polluted" in Object.assign({}, a), false);
  });
}
