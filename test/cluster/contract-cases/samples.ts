/** One request of a case: method, path, body, the body's media type where it is not JSON, and what is accepted. */
export type Step = readonly [
  method: string,
  path: string,
  body?: unknown,
  mediaType?: string | undefined,
  accept?: string,
];

/** Requests that a Kubernetes API server must answer as the real one did when the golden file was recorded. */
export interface ContractCase {
  readonly name: string;
  readonly steps: readonly Step[];
}

export const core = "/api/v1/namespaces/contract";
export const apps = "/apis/apps/v1/namespaces/contract";
export const widgets = "/apis/example.com/v1/namespaces/contract/widgets";
export const merge = "application/merge-patch+json";
export const json = "application/json-patch+json";
export const strategic = "application/strategic-merge-patch+json";
export const apply = "application/apply-patch+yaml";

export const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

export const configMap = (name: string, data: object = { a: "1" }, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
  data,
});

export const podSpec = (containers: readonly object[] = [{ name: "c", image: "example.com/app:1" }]) => ({
  containers,
});

export const deployment = (name: string, spec: object = {}, containers?: readonly object[]) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec(containers) },
    ...spec,
  },
});

export const service = (name: string, spec: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec,
});

export const pod = (name: string, spec: object = podSpec(), metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...metadata },
  // Keeps the scheduler of a real cluster away, and tokens out of the answer.
  spec: { automountServiceAccountToken: false, schedulerName: "nobody", ...spec },
});

export const widgetDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { kind: "Widget", plural: "widgets", shortNames: ["wd"], categories: ["all"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: {
            specReplicasPath: ".spec.replicas",
            statusReplicasPath: ".status.replicas",
            labelSelectorPath: ".status.selector",
          },
        },
        additionalPrinterColumns: [
          { name: "Size", type: "integer", jsonPath: ".spec.size" },
          { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: "Mode", type: "string", jsonPath: ".spec.mode", priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                required: ["size"],
                properties: {
                  size: { type: "integer", minimum: 1, maximum: 10 },
                  replicas: { type: "integer", default: 2 },
                  mode: { type: "string", enum: ["a", "b"] },
                  name: { type: "string", maxLength: 5, pattern: "^[a-z]+$" },
                  port: { "x-kubernetes-int-or-string": true },
                  tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set", maxItems: 3 },
                  parts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: {
                      type: "object",
                      required: ["name"],
                      properties: { name: { type: "string" }, weight: { type: "integer", default: 1 } },
                    },
                  },
                  free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                  limits: { type: "object", additionalProperties: { type: "integer" } },
                },
              },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      },
    ],
  },
};

export const widget = (name: string, spec: object = { size: 3 }, more: object = {}) => ({
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name },
  spec,
  ...more,
});

/** A kind of several versions, listed in no order. */
export const sortedDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "letters.sorted.example.com" },
  spec: {
    group: "sorted.example.com",
    scope: "Cluster",
    names: { kind: "Letter", plural: "letters" },
    versions: ["v1", "other", "v2beta1", "v10", "v2alpha2", "another", "v2beta2"].map((name) => ({
      name,
      served: true,
      storage: name === "v1",
      schema: { openAPIV3Schema: { type: "object" } },
    })),
  },
};
