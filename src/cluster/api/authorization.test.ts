import assert from "node:assert/strict";
import { test } from "node:test";
import { rbacGroup } from "../../apis/core/rbac.ts";
import type { KubeObject } from "../../apis/meta.ts";
import { type Action, createAuthorizer } from "./authorization.ts";
import type { User } from "./call.ts";
import type { StorageReader, Stored } from "./storage.ts";

/** A reader over objects, each under its resource. */
function readerOf(objects: Readonly<Record<string, readonly object[]>>): StorageReader {
  const entries = Object.entries(objects).flatMap(([resource, list]) =>
    list.map((object): Stored => {
      const { metadata } = object as KubeObject;
      return {
        resource: `${rbacGroup}/${resource}`,
        namespace: metadata.namespace ?? "",
        name: metadata.name,
        revision: 1,
        object: object as KubeObject,
        json: "",
      };
    }),
  );
  return {
    get: (resource, namespace, name) =>
      entries.find((entry) => entry.resource === resource && entry.namespace === namespace && entry.name === name),
    list: (resource, namespace) =>
      entries.filter(
        (entry) => entry.resource === resource && (namespace === undefined || entry.namespace === namespace),
      ),
  };
}

const authorizer = createAuthorizer(
  readerOf({
    clusterroles: [
      {
        metadata: { name: "reader" },
        rules: [{ apiGroups: ["", "apps"], resources: ["pods", "deployments"], verbs: ["get", "list"] }],
      },
      {
        metadata: { name: "named" },
        rules: [{ apiGroups: [""], resources: ["secrets"], resourceNames: ["one"], verbs: ["get"] }],
      },
      { metadata: { name: "status" }, rules: [{ apiGroups: ["*"], resources: ["*/status"], verbs: ["*"] }] },
      { metadata: { name: "paths" }, rules: [{ nonResourceURLs: ["/metrics", "/api/*"], verbs: ["get"] }] },
    ],
    clusterrolebindings: [
      {
        metadata: { name: "a" },
        roleRef: { kind: "ClusterRole", name: "reader" },
        subjects: [{ kind: "User", name: "ann" }],
      },
      {
        metadata: { name: "b" },
        roleRef: { kind: "ClusterRole", name: "paths" },
        subjects: [{ kind: "Group", name: "viewers" }],
      },
      {
        metadata: { name: "c" },
        roleRef: { kind: "ClusterRole", name: "status" },
        subjects: [{ kind: "ServiceAccount", name: "bot", namespace: "ns" }],
      },
      {
        metadata: { name: "d" },
        roleRef: { kind: "ClusterRole", name: "missing" },
        subjects: [{ kind: "User", name: "ann" }],
      },
    ],
    roles: [
      {
        metadata: { name: "writer", namespace: "ns" },
        rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["create"] }],
      },
    ],
    rolebindings: [
      {
        metadata: { name: "e", namespace: "ns" },
        roleRef: { kind: "Role", name: "writer" },
        subjects: [{ kind: "ServiceAccount", name: "bot" }],
      },
      {
        metadata: { name: "f", namespace: "ns" },
        roleRef: { kind: "ClusterRole", name: "named" },
        subjects: [{ kind: "User", name: "bob" }],
      },
    ],
  }),
);

const user = (username: string, ...groups: string[]): User => ({ username, groups });
const bot = user("system:serviceaccount:ns:bot", "system:serviceaccounts");
const on = (verb: string, resource: string, more: Partial<Extract<Action, { resource: string }>> = {}): Action => {
  const [plural = "", subresource = ""] = resource.split("/");
  return { verb, group: "", resource: plural, subresource, namespace: "ns", name: "", ...more };
};

const cases: readonly [name: string, user: User, action: Action, allowed: boolean][] = [
  ["masters may do everything", user("root", "system:masters"), on("delete", "nodes"), true],
  ["a cluster-wide reader reads in every namespace", user("ann"), on("get", "pods"), true],
  ["a cluster-wide reader reads at the cluster scope", user("ann"), on("list", "pods", { namespace: "" }), true],
  ["a reader does not write", user("ann"), on("create", "pods"), false],
  ["groups of the API are told apart", user("ann"), on("get", "deployments", { group: "extensions" }), false],
  ["a subresource is not its resource", user("ann"), on("get", "pods/log"), false],
  ["a wildcard covers the subresource of all", bot, on("update", "widgets/status", { group: "example.com" }), true],
  ["a wildcard subresource does not cover the resource", bot, on("update", "widgets", { group: "example.com" }), false],
  ["a Role holds in its namespace", bot, on("create", "pods"), true],
  ["a Role holds nowhere else", bot, on("create", "pods", { namespace: "other" }), false],
  ["a binding without a namespace means its own", user("system:serviceaccount:other:bot"), on("create", "pods"), false],
  ["names limit a rule", user("bob"), on("get", "secrets", { name: "one" }), true],
  ["other names are not covered", user("bob"), on("get", "secrets", { name: "two" }), false],
  ["paths are matched whole or by prefix", user("x", "viewers"), { verb: "get", path: "/api/v1" }, true],
  ["other paths are not covered", user("x", "viewers"), { verb: "get", path: "/metrics/more" }, false],
  ["nobody may do nothing", user("nobody"), on("get", "pods"), false],
];

for (const [name, who, action, allowed] of cases) {
  test(name, () => assert.equal(authorizer.decide(who, action).allowed, allowed));
}
