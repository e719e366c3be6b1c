import assert from "node:assert/strict";
import { test } from "node:test";
import type { CustomResourceDefinition } from "../../apis/core/customresourcedefinition.ts";
import { makeBuiltIns } from "./builtins.ts";
import { serveDefinition } from "./custom-resources.ts";
import { createOpenApi } from "./openapi.ts";
import { createRegistry } from "./registry.ts";

interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: object };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const registry = createRegistry(makeBuiltIns());
const openApi = createOpenApi(registry);
const widgets: CustomResourceDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.shop.example.com" },
  spec: {
    group: "shop.example.com",
    scope: "Namespaced",
    names: { kind: "Widget", plural: "widgets" },
    versions: [{ name: "v1", served: true, storage: true }],
  },
};
registry.set("widgets", serveDefinition(widgets));
const documentOf = (path: string) => openApi.at(`/openapi/v3/${path}`) as Document;

/** As kube-apiserver v1.34 has them. */
const names: [path: string, name: string][] = [
  ["api/v1", "io.k8s.api.core.v1.Pod"],
  ["apis/apps/v1", "io.k8s.api.apps.v1.Deployment"],
  ["apis/rbac.authorization.k8s.io/v1", "io.k8s.api.rbac.v1.Role"],
  ["apis/apiextensions.k8s.io/v1", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"],
  ["apis/shop.example.com/v1", "com.example.shop.v1.Widget"],
];
for (const [path, name] of names) {
  test(`${path} describes ${name} and its list`, () => {
    const { schemas } = documentOf(path).components;
    assert.ok(schemas[name] && schemas[`${name}List`], Object.keys(schemas).join());
  });
}

const written = ["dryRun", "fieldManager", "fieldValidation"];
const deleted = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
const json = ["application/json"];
const patches = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
const strategic = [...patches, "application/strategic-merge-patch+json"];
const deployments = "/apis/apps/v1/namespaces/{namespace}/deployments";
const operations: [method: string, path: string, parameters: string[], bodies: string[]][] = [
  ["get", deployments, [], []],
  ["post", deployments, written, json],
  ["delete", deployments, deleted, []],
  ["get", `${deployments}/{name}`, [], []],
  ["put", `${deployments}/{name}`, written, json],
  ["patch", `${deployments}/{name}`, [...written, "force"], strategic],
  ["delete", `${deployments}/{name}`, deleted, []],
  ["patch", "/apis/shop.example.com/v1/namespaces/{namespace}/widgets/{name}", [...written, "force"], patches],
  ["patch", "/api/v1/nodes/{name}", [...written, "force"], strategic],
];
for (const [method, path, parameters, bodies] of operations) {
  test(`${method} of ${path} takes what the server takes`, () => {
    const [, document] = /^\/(api\/v1|apis\/[^/]+\/v1)\//.exec(path)!;
    const operation = documentOf(document!).paths[path]?.[method];
    assert.deepEqual(operation?.parameters?.map(({ name }) => name) ?? [], parameters);
    assert.deepEqual(Object.keys(operation?.requestBody?.content ?? {}), bodies);
  });
}

test("namespaces are not deleted all at once", () => {
  assert.deepEqual(Object.keys(documentOf("api/v1").paths["/api/v1/namespaces"]!), ["get", "post"]);
});

test("what is no longer served is no longer described", () => {
  const before = openApi.at("/openapi/v3") as Document;
  registry.set("widgets", []);
  const after = openApi.at("/openapi/v3") as Document;
  assert.ok("apis/shop.example.com/v1" in before.paths && !("apis/shop.example.com/v1" in after.paths));
  assert.equal(documentOf("apis/shop.example.com/v1"), undefined);
  registry.set("widgets", serveDefinition(widgets));
});
