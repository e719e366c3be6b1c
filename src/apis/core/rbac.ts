import { defineKind, type ObjectOf } from "../kind.ts";
import { labelSelectorSchema } from "../meta.ts";
import { atomicList, type FromSchema, list, object, string, strings } from "../schema.ts";

const policyRuleSchema = object(
  "What may be done with what.",
  {
    verbs: strings("get, list, watch, create, update, patch, delete, deletecollection, or *.", atomicList),
    apiGroups: strings("The groups; empty for the core group, * for all.", atomicList),
    resources: strings("The resources, such as pods or pods/status; * for all.", atomicList),
    resourceNames: strings("The objects by name; all unless told.", atomicList),
    nonResourceURLs: strings("Paths that are not resources, such as /healthz.", atomicList),
  },
  { required: ["verbs"] },
);

const subjectSchema = object(
  "A user, a group or a service account.",
  {
    kind: string("User, Group or ServiceAccount."),
    apiGroup: string("The kind's group."),
    name: string("The name."),
    namespace: string("The service account's namespace."),
  },
  { required: ["kind", "name"], "x-kubernetes-map-type": "atomic" },
);

const roleRefSchema = object(
  "The role. Cannot be changed.",
  {
    apiGroup: string("rbac.authorization.k8s.io."),
    kind: string("Role or ClusterRole."),
    name: string("The role's name."),
  },
  { required: ["apiGroup", "kind", "name"], "x-kubernetes-map-type": "atomic" },
);

export const rbacGroup = "rbac.authorization.k8s.io";
const rules = list("What may be done.", policyRuleSchema, atomicList);
const bindingProperties = {
  subjects: list("Who has the role.", subjectSchema, atomicList),
  roleRef: roleRefSchema,
} as const;

export const Role = defineKind({
  group: rbacGroup,
  version: "v1",
  kind: "Role",
  plural: "roles",
  description: "Rights in one namespace.",
  properties: { rules },
});
export type Role = ObjectOf<typeof Role>;

export const RoleBinding = defineKind({
  group: rbacGroup,
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  description: "Gives a role's rights in one namespace to users, groups and service accounts.",
  properties: bindingProperties,
});
export type RoleBinding = ObjectOf<typeof RoleBinding>;

export const ClusterRole = defineKind({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  namespaced: false,
  description: "Rights in all namespaces and on objects without one.",
  properties: {
    rules,
    aggregationRule: object("Takes the rules from other ClusterRoles.", {
      clusterRoleSelectors: list("Which ClusterRoles.", labelSelectorSchema, atomicList),
    }),
  },
});
export type ClusterRole = ObjectOf<typeof ClusterRole>;

export const ClusterRoleBinding = defineKind({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  namespaced: false,
  description: "Gives a role's rights everywhere to users, groups and service accounts.",
  properties: bindingProperties,
});
export type ClusterRoleBinding = ObjectOf<typeof ClusterRoleBinding>;
export type Subject = FromSchema<typeof subjectSchema>;
