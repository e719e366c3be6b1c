import { type ContractCase, core, merge, pod, type Step } from "./samples.ts";

const budgets = "/apis/policy/v1/namespaces/contract/poddisruptionbudgets";
const selector = { matchLabels: { app: "few" } };
const budgetOf = (name: string, spec: object) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name },
  spec,
});
const since = "2024-01-01T00:00:00Z";
const phaseOf = (name: string, phase: string, isReady = false): Step => [
  "PATCH",
  `${core}/pods/${name}/status`,
  {
    status: {
      phase,
      ...(isReady && {
        conditions: [{ type: "Ready", status: "True", lastProbeTime: since, lastTransitionTime: since }],
      }),
    },
  },
  merge,
];
const countOf = (name: string, counts: object): Step => [
  "PATCH",
  `${budgets}/${name}/status`,
  { status: { observedGeneration: 1, currentHealthy: 2, desiredHealthy: 2, expectedPods: 3, ...counts } },
  merge,
];
const eviction = (name: string, query = ""): Step => [
  "POST",
  `${core}/pods/${name}/eviction${query}`,
  { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } },
];

/** Leases, budgets, bindings, webhooks, reviews, tokens, namespaces. */
export const policyCases: readonly ContractCase[] = [
  {
    name: "leases, budgets, bindings and webhooks are checked",
    steps: [
      [
        "PUT",
        "/apis/coordination.k8s.io/v1/namespaces/contract/leases/l",
        {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: { name: "l" },
          spec: { holderIdentity: "me", leaseDurationSeconds: 15 },
        },
      ],
      [
        "POST",
        "/apis/coordination.k8s.io/v1/namespaces/contract/leases",
        {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: { name: "bad" },
          spec: { leaseDurationSeconds: 0 },
        },
      ],
      [
        "POST",
        "/apis/policy/v1/namespaces/contract/poddisruptionbudgets",
        {
          apiVersion: "policy/v1",
          kind: "PodDisruptionBudget",
          metadata: { name: "b" },
          spec: { minAvailable: 1, maxUnavailable: 1, selector: {} },
        },
      ],
      [
        "POST",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/contract/rolebindings",
        {
          apiVersion: "rbac.authorization.k8s.io/v1",
          kind: "RoleBinding",
          metadata: { name: "a:b" },
          roleRef: { kind: "ClusterRole", name: "view" },
          subjects: [
            { kind: "User", name: "u" },
            { kind: "ServiceAccount", name: "s" },
          ],
        },
      ],
      [
        "PATCH",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/contract/rolebindings/a:b",
        { roleRef: { name: "edit" } },
        merge,
      ],
      [
        "POST",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/contract/roles",
        {
          apiVersion: "rbac.authorization.k8s.io/v1",
          kind: "Role",
          metadata: { name: "r" },
          rules: [{ verbs: ["get"] }],
        },
      ],
      [
        "POST",
        "/apis/autoscaling/v2/namespaces/contract/horizontalpodautoscalers",
        {
          apiVersion: "autoscaling/v2",
          kind: "HorizontalPodAutoscaler",
          metadata: { name: "h" },
          spec: { scaleTargetRef: { kind: "Deployment", name: "x" }, maxReplicas: 0 },
        },
      ],
      [
        "POST",
        "/apis/autoscaling/v2/namespaces/contract/horizontalpodautoscalers?dryRun=All",
        {
          apiVersion: "autoscaling/v2",
          kind: "HorizontalPodAutoscaler",
          metadata: { name: "h" },
          spec: { scaleTargetRef: { kind: "Deployment", name: "x", apiVersion: "apps/v1" }, maxReplicas: 2 },
        },
      ],
      [
        "POST",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        {
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "ValidatingWebhookConfiguration",
          metadata: { name: "w" },
          webhooks: [{ name: "short", clientConfig: {}, sideEffects: "Some", admissionReviewVersions: [] }],
        },
      ],
      [
        "POST",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?dryRun=All",
        {
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "MutatingWebhookConfiguration",
          metadata: { name: "w" },
          webhooks: [
            {
              name: "w.example.com",
              clientConfig: { service: { namespace: "n", name: "s" } },
              rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
              sideEffects: "None",
              admissionReviewVersions: ["v1"],
            },
          ],
        },
      ],
      [
        "POST",
        `${core}/events`,
        {
          apiVersion: "v1",
          kind: "Event",
          metadata: { name: "e" },
          involvedObject: { kind: "Pod", namespace: "contract", name: "x" },
          reason: "Odd",
          type: "Normal",
          source: { component: "c" },
        },
      ],
      [
        "POST",
        `${core}/events`,
        {
          apiVersion: "v1",
          kind: "Event",
          metadata: { name: "f" },
          involvedObject: { kind: "Pod", namespace: "elsewhere", name: "x" },
        },
      ],
      ["GET", `${core}/events?fieldSelector=involvedObject.name%3Dx,reason%3DOdd,source%3Dc`],
      [
        "POST",
        "/apis/discovery.k8s.io/v1/namespaces/contract/endpointslices",
        {
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: { name: "es" },
          addressType: "IPv4",
          endpoints: [{ addresses: ["10.0.0.1"] }],
          ports: [{ port: 80 }],
        },
      ],
    ],
  },
  {
    name: "evictions heed budgets",
    steps: [
      ["POST", budgets, budgetOf("many", { minAvailable: 2, selector, unhealthyPodEvictionPolicy: "Sometimes" })],
      ["POST", budgets, budgetOf("few", { minAvailable: 2, selector })],
      ...["a", "b", "c", "ended", "unready", "pending"].map(
        (name): Step => ["POST", `${core}/pods`, pod(name, undefined, { labels: { app: "few" } })],
      ),
      ...["a", "b", "c"].map((name) => phaseOf(name, "Running", true)),
      phaseOf("ended", "Succeeded"),
      phaseOf("unready", "Running"),
      eviction("a"),
      countOf("few", { disruptionsAllowed: -1 }),
      countOf("few", { currentHealthy: -1, desiredHealthy: -1, expectedPods: -1 }),
      countOf("few", { disruptionsAllowed: 0 }),
      eviction("a"),
      eviction("a", "?dryRun=All"),
      eviction("ended"),
      eviction("pending"),
      eviction("unready", "?dryRun=All"),
      countOf("few", { currentHealthy: 1 }),
      eviction("unready", "?dryRun=All"),
      countOf("few", { currentHealthy: 0, desiredHealthy: 0 }),
      eviction("unready", "?dryRun=All"),
      countOf("few", { currentHealthy: 1, desiredHealthy: 2 }),
      ["PATCH", `${budgets}/few`, { spec: { unhealthyPodEvictionPolicy: "AlwaysAllow" } }, merge],
      eviction("unready"),
      eviction("a"),
      countOf("few", { observedGeneration: 2, disruptionsAllowed: 1 }),
      eviction("a", "?dryRun=All"),
      eviction("a"),
      eviction("b"),
      ["POST", budgets, budgetOf("more", { minAvailable: 1, selector: {} })],
      eviction("c"),
      eviction("none"),
      ["DELETE", `${budgets}/more`],
      ["DELETE", `${budgets}/few`],
      ["DELETE", `${core}/pods/b`],
      eviction("c"),
    ],
  },
  {
    name: "reviews and tokens are answered",
    steps: [
      [
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectAccessReview",
          spec: { resourceAttributes: { verb: "get", resource: "pods" } },
        },
      ],
      [
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SubjectAccessReview",
          spec: { user: "nobody", resourceAttributes: { verb: "get", resource: "pods" } },
        },
      ],
      [
        "POST",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "bad" } },
      ],
      [
        "POST",
        `${core}/serviceaccounts/default/token`,
        { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 5 } },
      ],
      [
        "POST",
        `${core}/serviceaccounts/none/token`,
        { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      ],
    ],
  },
  {
    name: "namespaces are labelled, guarded and end step by step",
    steps: [
      ["POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "Bad_Name" } }],
      ["POST", "/api/v1/namespaces?dryRun=All", { apiVersion: "v1", kind: "Namespace", metadata: { name: "dry" } }],
      ["DELETE", "/api/v1/namespaces/kube-system"],
      ["GET", "/api/v1/namespaces/none"],
    ],
  },
];
