import type { ContractCase, Step } from "./samples.ts";

const space = "/api/v1/namespaces/quota";
const quotas = `${space}/resourcequotas`;
const json = "application/json-patch+json";
const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

const quota = (name: string, spec: object) => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name },
  spec,
});

/** The controller that counts is stopped while answers are recorded, so the count starts by hand. */
const started = (name: string, hard: Record<string, string>, spec: object = {}): Step[] => [
  ["POST", quotas, quota(name, { hard, ...spec })],
  [
    "PUT",
    `${quotas}/${name}/status`,
    {
      ...quota(name, { hard, ...spec }),
      status: { hard, used: Object.fromEntries(Object.keys(hard).map((key) => [key, "0"])) },
    },
  ],
];

const pod = (name: string, resources: object = {}, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    automountServiceAccountToken: false,
    schedulerName: "nobody",
    containers: [{ name: "c", image: "example.com/app:1", resources }],
    ...spec,
  },
});

const needs = (cpu: string, memory: string) => ({ requests: { cpu }, limits: { memory } });

const service = (name: string, type: string, ...ports: number[]) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { type, ports: ports.map((port) => ({ name: `p${port}`, port })) },
});

const configMap = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

export const quotaCases: readonly ContractCase[] = [
  {
    name: "quotas limit what pods take",
    steps: [
      ["POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "quota" } }],
      ["POST", `${space}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } }],
      ...started("compute", { pods: "2", "requests.cpu": "300m", "limits.memory": "1Gi", "count/pods": "5" }),
      ["POST", `${space}/pods`, pod("silent")],
      ["POST", `${space}/pods`, pod("half-silent", { limits: { memory: "1Mi" } })],
      ["POST", `${space}/pods?dryRun=All`, pod("first", needs("400m", "1Mi"))],
      ["POST", `${space}/pods?dryRun=All`, pod("first", needs("200m", "512Mi"))],
      ["GET", `${quotas}/compute?includeObject=None`, undefined, undefined, table],
      ["POST", `${space}/pods`, pod("first", needs("200m", "512Mi"))],
      ["GET", `${quotas}/compute?includeObject=None`, undefined, undefined, table],
      ["POST", `${space}/pods`, pod("much-cpu", needs("200m", "1Mi"))],
      ["POST", `${space}/pods`, pod("much", needs("1", "1Gi"))],
      [
        "POST",
        `${space}/pods`,
        pod("second", needs("50m", "256Mi"), {
          initContainers: [{ name: "i", image: "example.com/app:1", resources: needs("100m", "64Mi") }],
        }),
      ],
      ["GET", `${quotas}/compute?includeObject=None`, undefined, undefined, table],
      ["POST", `${space}/pods`, pod("third", needs("0", "0"))],
      ["GET", `${quotas}?includeObject=None`, undefined, undefined, table],
      ["DELETE", `${quotas}/compute`],
      ["DELETE", `${space}/pods/first`],
      ["DELETE", `${space}/pods/second`],
    ],
  },
  {
    name: "quotas limit numbers of objects",
    steps: [
      ...started("numbers", {
        configmaps: "1",
        secrets: "1",
        services: "2",
        "services.nodeports": "1",
        "count/deployments.apps": "0",
        "count/widgets.example.com": "0",
        "requests.storage": "1Gi",
        persistentvolumeclaims: "2",
      }),
      ["POST", `${space}/configmaps`, configMap("one")],
      ["POST", `${space}/configmaps`, configMap("two")],
      ["POST", `${space}/services`, service("outside", "NodePort", 80, 81)],
      ["POST", `${space}/services`, service("inside", "ClusterIP", 80, 81)],
      ["PATCH", `${space}/services/inside`, [{ op: "replace", path: "/spec/type", value: "NodePort" }], json],
      ["POST", `${space}/services`, service("other", "ClusterIP", 80)],
      ["POST", `${space}/services`, service("more", "ClusterIP", 80)],
      [
        "POST",
        "/apis/apps/v1/namespaces/quota/deployments",
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "d" },
          spec: {
            replicas: 0,
            selector: { matchLabels: { app: "d" } },
            template: { metadata: { labels: { app: "d" } }, spec: { containers: [{ name: "c", image: "i" }] } },
          },
        },
      ],
      [
        "POST",
        "/apis/example.com/v1/namespaces/quota/widgets",
        { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w" }, spec: { size: 1 } },
      ],
      [
        "POST",
        `${space}/persistentvolumeclaims`,
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: "large" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } },
        },
      ],
      ["GET", `${quotas}/numbers?includeObject=None`, undefined, undefined, table],
      ["DELETE", `${quotas}/numbers`],
    ],
  },
  {
    name: "quotas may be about some pods only",
    steps: [
      ...started("best-effort", { pods: "0" }, { scopes: ["BestEffort"] }),
      ["POST", `${space}/pods?dryRun=All`, pod("plain")],
      ["POST", `${space}/pods?dryRun=All`, pod("wanting", needs("1m", "1Mi"))],
      ["PATCH", `${quotas}/best-effort`, { spec: { scopes: ["NotBestEffort"] } }, "application/merge-patch+json"],
      ["DELETE", `${quotas}/best-effort`],
      ...started("terminating", { "requests.cpu": "1" }, { scopes: ["Terminating"] }),
      ["POST", `${space}/pods?dryRun=All`, pod("plain")],
      ["POST", `${space}/pods?dryRun=All`, pod("ending", {}, { activeDeadlineSeconds: 10 })],
      ["POST", `${space}/pods?dryRun=All`, pod("ending", needs("2", "1Mi"), { activeDeadlineSeconds: 10 })],
      ["DELETE", `${quotas}/terminating`],
      ...started(
        "urgent",
        { pods: "0" },
        { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "NotIn", values: ["low"] }] } },
      ),
      ["POST", `${space}/pods?dryRun=All`, pod("plain")],
      ["DELETE", `${quotas}/urgent`],
      ...["Exists", "DoesNotExist"].flatMap((operator): Step[] => [
        ...started(
          "classed",
          { pods: "0" },
          { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator }] } },
        ),
        ["POST", `${space}/pods?dryRun=All`, pod("plain")],
        [
          "POST",
          `${space}/pods?dryRun=All`,
          pod("high", {}, { priorityClassName: "system-cluster-critical", priority: 2000000000 }),
        ],
        ["DELETE", `${quotas}/classed`],
      ]),
    ],
  },
  {
    name: "quotas that make no sense are refused",
    steps: [
      ["POST", quotas, quota("bad", { hard: { foo: "1" } })],
      ["POST", quotas, quota("bad", { hard: { pods: "-1" } })],
      ["POST", quotas, quota("bad", { hard: { pods: "500m" } })],
      ["POST", quotas, quota("bad", { hard: { pods: "many" } })],
      ["POST", quotas, quota("bad", { hard: { pods: "1" }, scopes: ["Other"] })],
      ["POST", quotas, quota("bad", { hard: { secrets: "1" }, scopes: ["BestEffort"] })],
      ["POST", quotas, quota("bad", { hard: { pods: "1" }, scopes: ["Terminating", "NotTerminating"] })],
      [
        "POST",
        quotas,
        quota("bad", {
          scopeSelector: { matchExpressions: [{ scopeName: "BestEffort", operator: "In", values: [] }] },
        }),
      ],
      [
        "POST",
        quotas,
        quota("bad", {
          scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "Exists", values: ["x"] }] },
        }),
      ],
      [
        "POST",
        quotas,
        quota("bad", { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "Is" }] } }),
      ],
      ["DELETE", "/api/v1/namespaces/quota"],
    ],
  },
];
