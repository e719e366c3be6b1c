import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../../apis/core/rbac.ts";
import { rbacGroup } from "../../apis/core/rbac.ts";
import type { User } from "./call.ts";
import type { StorageReader } from "./storage.ts";

/** What somebody wants to do: with a resource, or with a path that is none. */
export type Action =
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly verb: string; readonly path: string };

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

export interface Authorizer {
  decide(user: User, action: Action): Decision;
  /** Everything that the user may do in a namespace, as SelfSubjectRulesReview lists it. */
  rulesFor(user: User, namespace: string): { resourceRules: object[]; nonResourceRules: object[] };
}

type Rule = NonNullable<ClusterRole["rules"]>[number];
type Subject = NonNullable<ClusterRoleBinding["subjects"]>[number];

interface Grant {
  readonly rules: readonly Rule[];
  readonly because: string;
}

/**
 * Role-based access control over the stored Role and ClusterRole objects. Members of system:masters may do everything.
 * Source: k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac.
 */
export function createAuthorizer(storage: StorageReader): Authorizer {
  const clusterRole = (name: string) =>
    storage.get(`${rbacGroup}/clusterroles`, "", name)?.object as ClusterRole | undefined;
  const role = (namespace: string, name: string) =>
    storage.get(`${rbacGroup}/roles`, namespace, name)?.object as Role | undefined;

  const grantsOf = function* (user: User, namespace: string): Generator<Grant> {
    for (const { object } of storage.list(`${rbacGroup}/clusterrolebindings`)) {
      const binding = object as ClusterRoleBinding;
      const subject = binding.subjects?.find((candidate) => isSubject(candidate, user, ""));
      if (!subject || !binding.roleRef) continue;
      const { name } = binding.metadata;
      yield {
        rules: clusterRole(binding.roleRef.name)?.rules ?? [],
        because: `RBAC: allowed by ClusterRoleBinding "${name}" of ClusterRole "${binding.roleRef.name}" to ${describe(subject)}`,
      };
    }
    if (namespace === "") return;
    for (const { object } of storage.list(`${rbacGroup}/rolebindings`, namespace)) {
      const binding = object as RoleBinding;
      const subject = binding.subjects?.find((candidate) => isSubject(candidate, user, namespace));
      if (!subject || !binding.roleRef) continue;
      const { kind, name } = binding.roleRef;
      const found = kind === "ClusterRole" ? clusterRole(name) : role(namespace, name);
      yield {
        rules: found?.rules ?? [],
        because: `RBAC: allowed by RoleBinding "${binding.metadata.name}/${namespace}" of ${kind} "${name}" to ${describe(subject)}`,
      };
    }
  };

  return {
    decide(user, action) {
      if (user.groups.includes("system:masters")) return { allowed: true, reason: "" };
      const namespace = "path" in action ? "" : action.namespace;
      for (const { rules, because } of grantsOf(user, namespace)) {
        if (rules.some((rule) => permits(rule, action))) return { allowed: true, reason: because };
      }
      return { allowed: false, reason: "" };
    },
    rulesFor(user, namespace) {
      const everything = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
      if (user.groups.includes("system:masters")) {
        return { resourceRules: [everything], nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }] };
      }
      const rules = [...grantsOf(user, namespace)].flatMap((grant) => grant.rules);
      return {
        resourceRules: rules.filter((rule) => rule.resources?.length),
        nonResourceRules: rules.filter((rule) => rule.nonResourceURLs?.length),
      };
    },
  };
}

function isSubject(subject: Subject, user: User, bindingNamespace: string): boolean {
  switch (subject.kind) {
    case "User":
      return subject.name === user.username;
    case "Group":
      return user.groups.includes(subject.name);
    case "ServiceAccount":
      return user.username === `system:serviceaccount:${subject.namespace || bindingNamespace}:${subject.name}`;
    default:
      return false;
  }
}

function describe(subject: Subject): string {
  const name = subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace ?? ""}` : subject.name;
  return `${subject.kind} ${JSON.stringify(name)}`;
}

const has = (list: readonly string[] | undefined, value: string) =>
  list?.some((entry) => entry === "*" || entry === value) ?? false;

function permits(rule: Rule, action: Action): boolean {
  if (!has(rule.verbs, action.verb)) return false;
  if ("path" in action) {
    return (rule.nonResourceURLs ?? []).some(
      (url) => url === "*" || url === action.path || (url.endsWith("*") && action.path.startsWith(url.slice(0, -1))),
    );
  }
  const resource = action.subresource === "" ? action.resource : `${action.resource}/${action.subresource}`;
  const resources = rule.resources ?? [];
  const named =
    has(resources, resource) || (action.subresource !== "" && resources.includes(`*/${action.subresource}`));
  const names = rule.resourceNames ?? [];
  return has(rule.apiGroups, action.group) && named && (names.length === 0 || names.includes(action.name));
}
