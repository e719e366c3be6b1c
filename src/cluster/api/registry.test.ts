import assert from "node:assert/strict";
import { test } from "node:test";
import type { CustomResourceDefinition } from "../../apis/core/customresourcedefinition.ts";
import { makeBuiltIns } from "./builtins.ts";
import { serveDefinition } from "./custom-resources.ts";
import { createRegistry } from "./registry.ts";

const definition = (group: string, categories?: string[]): CustomResourceDefinition => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `pods.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { kind: "Pod", plural: "pods", ...(categories && { categories }) },
    versions: [
      { name: "v1", served: true, storage: false },
      { name: "v2", served: true, storage: true },
      { name: "v3", served: false, storage: false },
    ],
  },
});
const registry = createRegistry(makeBuiltIns());
registry.set("a", serveDefinition(definition("a.example.com", ["all"])));
registry.set("b", serveDefinition(definition("b.example.com")));
const shown = (found: ReturnType<typeof registry.find>) => found && `${found.group}/${found.version} ${found.plural}`;

const found: [what: string, found: ReturnType<typeof registry.find>, want: string | undefined][] = [
  ["a built-in kind", registry.byKind("", "Pod"), "/v1 pods"],
  [
    "a custom kind of the same name, in the version that is stored",
    registry.byKind("a.example.com", "Pod"),
    "a.example.com/v2 pods",
  ],
  ["one of another group", registry.byKind("b.example.com", "Pod"), "b.example.com/v2 pods"],
  ["a group that has no such kind", registry.byKind("apps", "Pod"), undefined],
  ["another version by its path", registry.find("a.example.com", "v1", "pods"), "a.example.com/v1 pods"],
  ["a version that is not served", registry.find("a.example.com", "v3", "pods"), undefined],
  ["what is stored under a key", registry.stored("b.example.com/pods"), "b.example.com/v2 pods"],
];
for (const [what, resource, want] of found) {
  test(`the registry knows ${what}`, () => assert.equal(shown(resource), want));
}

test("a custom kind has the categories of its definition", () => {
  const categories = ["a", "b"].map((group) => registry.byKind(`${group}.example.com`, "Pod")?.categories);
  assert.deepEqual(categories, [["all"], []]);
});

test("a definition that goes takes its kinds with it, and those of others stay", () => {
  const before = registry.generation;
  registry.set("a", []);
  assert.ok(registry.generation > before);
  assert.equal(registry.byKind("a.example.com", "Pod"), undefined);
  assert.ok(registry.byKind("b.example.com", "Pod"));
  assert.equal(registry.find("a.example.com", "v1", "pods"), undefined);
});
