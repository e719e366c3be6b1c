import assert from "node:assert/strict";
import { test } from "node:test";
import { Deployment } from "../../apis/core/deployment.ts";
import { objectSchemaOf } from "./object-schema.ts";
import { strategicMerge } from "./strategic-merge.ts";
import { cloneJson, type Fields } from "./typed-values.ts";

const schema = objectSchemaOf(Deployment);
const podOf = (containers: readonly unknown[], more: Fields = {}): Fields => ({
  spec: { template: { spec: { containers, ...more } } },
});

const cases: readonly [name: string, target: Fields, patch: Fields, result: Fields][] = [
  ["maps merge and null removes", { a: { b: 1, c: 2 } }, { a: { b: null, d: 3 } }, { a: { c: 2, d: 3 } }],
  ["a map is replaced on request", { a: { b: 1 } }, { a: { $patch: "replace", c: 2 } }, { a: { c: 2 } }],
  [
    "containers merge by name",
    podOf([{ name: "a", image: "1", env: [{ name: "X", value: "1" }] }, { name: "b" }]),
    podOf([{ name: "a", image: "2", env: [{ name: "Y", value: "2" }] }]),
    podOf([
      {
        name: "a",
        image: "2",
        env: [
          { name: "Y", value: "2" },
          { name: "X", value: "1" },
        ],
      },
      { name: "b" },
    ]),
  ],
  [
    "an element is deleted on request",
    podOf([{ name: "a" }, { name: "b" }]),
    podOf([{ name: "a", $patch: "delete" }]),
    podOf([{ name: "b" }]),
  ],
  [
    "a list is replaced on request",
    podOf([{ name: "a" }, { name: "b" }]),
    podOf([{ $patch: "replace" }, { name: "c" }]),
    podOf([{ name: "c" }]),
  ],
  [
    "the order is set on request",
    podOf([{ name: "a" }, { name: "b" }, { name: "c" }]),
    { spec: { template: { spec: { "$setElementOrder/containers": [{ name: "c" }, { name: "b" }, { name: "a" }] } } } },
    podOf([{ name: "c" }, { name: "b" }, { name: "a" }]),
  ],
  [
    "values leave a plain list on request",
    { metadata: { finalizers: ["a", "b"] } },
    {
      metadata: {
        "$deleteFromPrimitiveList/finalizers": ["a"],
        finalizers: ["c"],
        "$setElementOrder/finalizers": ["b", "c"],
      },
    },
    { metadata: { finalizers: ["b", "c"] } },
  ],
  [
    "only the keys to retain stay",
    { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } },
    { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } },
    { spec: { strategy: { type: "Recreate" } } },
  ],
  [
    "lists without a strategy are replaced",
    podOf([], { tolerations: [{ key: "a" }] }),
    podOf([], { tolerations: [{ key: "b" }] }),
    podOf([], { tolerations: [{ key: "b" }] }),
  ],
];

for (const [name, target, patch, result] of cases) {
  test(name, () => {
    const before = cloneJson(target);
    assert.deepEqual(strategicMerge(target, patch, schema), result);
    assert.deepEqual(target, before, "the target is not modified");
  });
}
