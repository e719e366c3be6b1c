import type { ClusterRole, ClusterRoleBinding } from "../../apis/core/rbac.ts";
import { rbacGroup } from "../../apis/core/rbac.ts";
import { isoTime } from "../../lib/iso-time.ts";
import type { Api } from "./call.ts";

type Rule = NonNullable<ClusterRole["rules"]>[number];

const aggregateTo = `${rbacGroup}/aggregate-to-`;
const everyVerb = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const readVerbs = ["get", "list", "watch"];
const namespacedCore = [
  "configmaps",
  "endpoints",
  "events",
  "persistentvolumeclaims",
  "pods",
  "pods/log",
  "pods/status",
  "serviceaccounts",
  "services",
  "services/status",
];
/** What even to read gives power: secrets, and ways into pods (which are opened by GET). */
const editOnly = ["pods/attach", "pods/eviction", "pods/exec", "pods/portforward", "secrets", "serviceaccounts/token"];
const allOf = (verbs: readonly string[]): Rule[] => [
  { apiGroups: [""], resources: namespacedCore, verbs: [...verbs] },
  {
    apiGroups: ["apps", "autoscaling", "policy", "discovery.k8s.io", "coordination.k8s.io"],
    resources: ["*"],
    verbs: [...verbs],
  },
];

interface BootstrapRole {
  readonly rules: readonly Rule[];
  /** Who has the role, by group. */
  readonly groups?: readonly string[];
  /** The rules are those of the ClusterRoles with this label; room for the operators' own. */
  readonly aggregates?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The ClusterRoles that users and manifests expect to find. Source: k8s.io/kubernetes bootstrappolicy, reduced to this server's kinds. */
const roles: Readonly<Record<string, BootstrapRole>> = {
  "cluster-admin": {
    rules: [
      { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
      { nonResourceURLs: ["*"], verbs: ["*"] },
    ],
    groups: ["system:masters"],
  },
  admin: { rules: [], aggregates: `${aggregateTo}admin` },
  edit: { rules: [], aggregates: `${aggregateTo}edit` },
  view: { rules: [], aggregates: `${aggregateTo}view` },
  "system:aggregate-to-admin": {
    rules: [
      { apiGroups: [rbacGroup], resources: ["roles", "rolebindings"], verbs: everyVerb },
      { apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews"], verbs: ["create"] },
    ],
    labels: { [`${aggregateTo}admin`]: "true" },
  },
  "system:aggregate-to-edit": {
    rules: [...allOf(everyVerb), { apiGroups: [""], resources: editOnly, verbs: everyVerb }],
    labels: { [`${aggregateTo}edit`]: "true", [`${aggregateTo}admin`]: "true" },
  },
  "system:aggregate-to-view": {
    rules: [
      ...allOf(readVerbs),
      { apiGroups: [""], resources: ["namespaces", "resourcequotas", "resourcequotas/status"], verbs: readVerbs },
    ],
    labels: { [`${aggregateTo}view`]: "true", [`${aggregateTo}edit`]: "true", [`${aggregateTo}admin`]: "true" },
  },
  "system:discovery": {
    rules: [
      {
        nonResourceURLs: [
          "/api",
          "/api/*",
          "/apis",
          "/apis/*",
          "/healthz",
          "/livez",
          "/openapi",
          "/openapi/*",
          "/readyz",
          "/version",
          "/version/",
        ],
        verbs: ["get"],
      },
    ],
    groups: ["system:authenticated"],
  },
  "system:public-info-viewer": {
    rules: [{ nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"], verbs: ["get"] }],
    groups: ["system:authenticated", "system:unauthenticated"],
  },
  "system:basic-user": {
    rules: [
      {
        apiGroups: ["authorization.k8s.io"],
        resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        verbs: ["create"],
      },
      { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
    ],
    groups: ["system:authenticated"],
  },
  "system:service-account-issuer-discovery": {
    rules: [{ nonResourceURLs: ["/.well-known/openid-configuration", "/openid/v1/jwks"], verbs: ["get"] }],
    groups: ["system:serviceaccounts"],
  },
  "system:auth-delegator": {
    rules: [
      { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
      { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
    ],
  },
};

/** Creates the roles that every cluster has and their bindings, where they are missing. */
export async function ensureClusterRoles(api: Api, uid: () => string): Promise<void> {
  const metadata = (name: string, labels: Readonly<Record<string, string>> = {}) => ({
    name,
    uid: uid(),
    creationTimestamp: isoTime(api.clock.now()),
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
    annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
  });
  await api.storage.write((transaction) => {
    for (const [name, { rules, groups, aggregates, labels }] of Object.entries(roles)) {
      if (!transaction.get(`${rbacGroup}/clusterroles`, "", name)) {
        const role: ClusterRole = {
          apiVersion: `${rbacGroup}/v1`,
          kind: "ClusterRole",
          metadata: metadata(name, labels),
          ...(aggregates && { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: "true" } }] } }),
          rules: [...rules],
        };
        transaction.put(`${rbacGroup}/clusterroles`, role);
      }
      if (groups && !transaction.get(`${rbacGroup}/clusterrolebindings`, "", name)) {
        const binding: ClusterRoleBinding = {
          apiVersion: `${rbacGroup}/v1`,
          kind: "ClusterRoleBinding",
          metadata: metadata(name),
          roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name },
          subjects: groups.map((subject) => ({ apiGroup: rbacGroup, kind: "Group", name: subject })),
        };
        transaction.put(`${rbacGroup}/clusterrolebindings`, binding);
      }
    }
  });
}
