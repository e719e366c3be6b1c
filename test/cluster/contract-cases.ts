import { quotaCases } from "./quota-cases.ts";

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

const core = "/api/v1/namespaces/contract";
const apps = "/apis/apps/v1/namespaces/contract";
const widgets = "/apis/example.com/v1/namespaces/contract/widgets";
const merge = "application/merge-patch+json";
const json = "application/json-patch+json";
const strategic = "application/strategic-merge-patch+json";
const apply = "application/apply-patch+yaml";

const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

const configMap = (name: string, data: object = { a: "1" }, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
  data,
});

const podSpec = (containers: readonly object[] = [{ name: "c", image: "example.com/app:1" }]) => ({ containers });

const deployment = (name: string, spec: object = {}, containers?: readonly object[]) => ({
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

const service = (name: string, spec: object) => ({ apiVersion: "v1", kind: "Service", metadata: { name }, spec });

const pod = (name: string, spec: object = podSpec(), metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...metadata },
  // Keeps the scheduler of a real cluster away, and tokens out of the answer.
  spec: { automountServiceAccountToken: false, schedulerName: "nobody", ...spec },
});

const widgetDefinition = {
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

const widget = (name: string, spec: object = { size: 3 }, more: object = {}) => ({
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name },
  spec,
  ...more,
});

/** Runs before all cases; its answers are not compared. */
export const setUp: readonly Step[] = [
  ["POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "contract" } }],
  ["POST", `${core}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } }],
  ["POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgetDefinition],
];

/** Runs after all cases. */
export const tearDown: readonly Step[] = [
  ["DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"],
  ["DELETE", "/api/v1/namespaces/contract"],
];

export const cases: readonly ContractCase[] = [
  {
    name: "a ConfigMap is created, read, updated, patched and deleted",
    steps: [
      ["POST", `${core}/configmaps?fieldManager=test`, configMap("basic")],
      ["POST", `${core}/configmaps`, configMap("basic")],
      ["GET", `${core}/configmaps/basic`],
      ["PUT", `${core}/configmaps/basic?fieldManager=test`, configMap("basic", { a: "2", b: "3" })],
      ["PUT", `${core}/configmaps/basic`, configMap("other")],
      ["PUT", `${core}/configmaps/missing`, configMap("missing")],
      ["PUT", `${core}/configmaps/basic`, configMap("basic", {}, { resourceVersion: "1" })],
      ["PUT", `${core}/configmaps/basic`, configMap("basic", {}, { uid: "11111111-1111-1111-1111-111111111111" })],
      ["PATCH", `${core}/configmaps/basic?fieldManager=patcher`, { data: { a: null, c: "4" } }, merge],
      ["PATCH", `${core}/configmaps/basic?fieldManager=patcher`, { metadata: { labels: { x: "y" } } }, strategic],
      [
        "PATCH",
        `${core}/configmaps/basic?fieldManager=patcher`,
        [{ op: "replace", path: "/data/c", value: "5" }],
        json,
      ],
      ["PATCH", `${core}/configmaps/basic`, [{ op: "test", path: "/data/c", value: "no" }], json],
      ["PATCH", `${core}/configmaps/basic`, [{ op: "remove", path: "/data/none" }], json],
      ["PATCH", `${core}/configmaps/basic`, { data: {} }, "text/plain"],
      ["PATCH", `${core}/configmaps/basic`, { metadata: { resourceVersion: "1" } }, merge],
      ["DELETE", `${core}/configmaps/basic?dryRun=All`],
      ["DELETE", `${core}/configmaps/basic`, { preconditions: { uid: "11111111-1111-1111-1111-111111111111" } }],
      ["DELETE", `${core}/configmaps/basic`],
      ["DELETE", `${core}/configmaps/basic`],
      ["GET", `${core}/configmaps/basic`],
    ],
  },
  {
    name: "bad bodies, names and paths are refused in the same words",
    steps: [
      ["POST", `${core}/configmaps`, {}],
      ["POST", `${core}/configmaps`, { kind: "ConfigMap" }],
      ["POST", `${core}/configmaps`, { apiVersion: "v1", kind: "Secret", metadata: { name: "a" } }],
      ["POST", `${core}/configmaps`, { apiVersion: "apps/v1", kind: "ConfigMap", metadata: { name: "a" } }],
      ["POST", `${core}/configmaps`, configMap("Bad_Name")],
      ["POST", `${core}/configmaps`, { apiVersion: "v1", kind: "ConfigMap" }],
      ["POST", `${core}/configmaps`, configMap("a", { a: 1 })],
      ["POST", `${core}/configmaps`, configMap("a", { "bad key": "1" })],
      ["POST", `${core}/configmaps`, configMap("a", {}, { namespace: "elsewhere" })],
      ["POST", `${core}/configmaps`, configMap("a", {}, { labels: { "a b": "c", d: "e f" } })],
      ["POST", `${core}/configmaps`, configMap("a", {}, { resourceVersion: "5" })],
      ["POST", `${core}/configmaps`, configMap("a", {}, { finalizers: ["plain"] })],
      [
        "POST",
        `${core}/configmaps`,
        configMap("a", {}, { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "x" }] }),
      ],
      ["POST", "/api/v1/namespaces/missing/configmaps", configMap("a")],
      ["POST", `${core}/nothings`, configMap("a")],
      ["GET", `${core}/configmaps/a/status`],
      ["GET", "/apis/nothing.example.com/v1/things"],
      ["POST", "/api/v1/configmaps", configMap("a")],
      ["PUT", `${core}/configmaps`, configMap("a")],
      ["POST", `${core}/configmaps?dryRun=Some`, configMap("a")],
      ["POST", `${core}/configmaps?fieldValidation=Odd`, configMap("a")],
      ["DELETE", `${core}/configmaps/a?propagationPolicy=Odd`],
      ["GET", `${core}/configmaps?labelSelector=a%20in%20(`],
      ["GET", `${core}/configmaps?fieldSelector=spec.x%3D1`],
      ["GET", `${core}/configmaps?resourceVersion=abc`],
      ["GET", `${core}/configmaps?resourceVersion=1&resourceVersionMatch=Odd`],
      ["GET", `${core}/configmaps?continue=abc`],
    ],
  },
  {
    name: "unknown fields are refused, warned of or dropped",
    steps: [
      ["POST", `${core}/configmaps?fieldValidation=Strict`, { ...configMap("unknown"), extra: 1 }],
      ["POST", `${core}/configmaps?fieldValidation=Warn`, { ...configMap("unknown"), extra: 1 }],
      ["PATCH", `${core}/configmaps/unknown?fieldValidation=Strict`, { extra: 1, metadata: { odd: 2 } }, merge],
      ["PATCH", `${core}/configmaps/unknown?fieldValidation=Strict`, { extra: 1 }, strategic],
      ["PATCH", `${core}/configmaps/unknown?fieldValidation=Ignore`, { extra: 1 }, merge],
      [
        "POST",
        `${apps}/deployments?fieldValidation=Strict`,
        deployment("unknown", { extra: 1 }, [{ name: "c", image: "i", odd: true }]),
      ],
      ["POST", `${widgets}?fieldValidation=Strict`, widget("unknown", { size: 1, extra: 1 })],
      ["POST", `${widgets}?fieldValidation=Warn`, widget("unknown", { size: 1, extra: 1 })],
      ["DELETE", `${widgets}/unknown`],
    ],
  },
  {
    name: "a name is generated, dry runs store nothing",
    steps: [
      ["POST", `${core}/configmaps?dryRun=All`, configMap("dry")],
      ["GET", `${core}/configmaps/dry`],
      [
        "POST",
        `${core}/secrets`,
        { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { a: "b" } },
      ],
      [
        "PUT",
        `${core}/secrets/s`,
        { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, type: "kubernetes.io/tls" },
      ],
      [
        "POST",
        `${core}/secrets`,
        { apiVersion: "v1", kind: "Secret", metadata: { name: "t" }, type: "kubernetes.io/tls" },
      ],
      ["POST", `${core}/configmaps`, { ...configMap("fixed"), immutable: true }],
      ["PATCH", `${core}/configmaps/fixed`, { data: { a: "2" } }, merge],
    ],
  },
  {
    name: "a Deployment gets its defaults, counts generations and keeps its selector",
    steps: [
      ["POST", `${apps}/deployments?fieldManager=test`, deployment("web")],
      ["PATCH", `${apps}/deployments/web`, { metadata: { labels: { a: "b" } } }, merge],
      [
        "PATCH",
        `${apps}/deployments/web?fieldManager=test`,
        { spec: { template: { spec: { containers: [{ name: "c", image: "example.com/app:2" }] } } } },
        strategic,
      ],
      [
        "PATCH",
        `${apps}/deployments/web`,
        { spec: { template: { spec: { containers: [{ name: "d", image: "e" }] } } } },
        strategic,
      ],
      [
        "PATCH",
        `${apps}/deployments/web`,
        { spec: { template: { spec: { containers: [{ name: "d", $patch: "delete" }] } } } },
        strategic,
      ],
      ["PATCH", `${apps}/deployments/web`, { spec: { selector: { matchLabels: { app: "x" } } } }, merge],
      ["PATCH", `${apps}/deployments/web`, { spec: { strategy: { type: "Recreate", rollingUpdate: null } } }, merge],
      ["GET", `${apps}/deployments/web/scale`],
      ["PATCH", `${apps}/deployments/web/scale`, { spec: { replicas: 0 } }, merge],
      [
        "PUT",
        `${apps}/deployments/web/scale`,
        { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "web" }, spec: { replicas: -1 } },
      ],
      ["DELETE", `${apps}/deployments/web`],
    ],
  },
  {
    name: "a Deployment that makes no sense is refused",
    steps: [
      ["POST", `${apps}/deployments`, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "x" } }],
      ["POST", `${apps}/deployments`, deployment("x", { selector: { matchLabels: { app: "other" } } })],
      ["POST", `${apps}/deployments`, deployment("x", { selector: {} })],
      ["POST", `${apps}/deployments`, deployment("x", { replicas: -1 })],
      ["POST", `${apps}/deployments`, deployment("x", { replicas: "3" })],
      ["POST", `${apps}/deployments`, deployment("x", {}, [])],
      ["POST", `${apps}/deployments`, deployment("x", {}, [{ name: "c" }])],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {}, [
          { name: "Bad_", image: "i" },
          { name: "c", image: "i" },
          { name: "c", image: "i" },
        ]),
      ],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {}, [
          {
            name: "c",
            image: "i",
            ports: [{ containerPort: 0 }, { containerPort: 70000 }, { name: "Bad_Port", containerPort: 1 }],
          },
        ]),
      ],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {}, [{ name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: "/x" }] }]),
      ],
      ["POST", `${apps}/deployments`, deployment("x", {}, [{ name: "c", image: "i", readinessProbe: {} }])],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {}, [{ name: "c", image: "i", env: [{ value: "x" }], imagePullPolicy: "Odd" }]),
      ],
      ["POST", `${apps}/deployments`, deployment("x", { strategy: { type: "Recreate", rollingUpdate: {} } })],
      ["POST", `${apps}/deployments`, deployment("x", { strategy: { type: "Odd" } })],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {
          template: { metadata: { labels: { app: "x" } }, spec: { ...podSpec(), restartPolicy: "Never" } },
        }),
      ],
    ],
  },
  {
    name: "containers, probes and volumes get their defaults",
    steps: [
      [
        "POST",
        `${apps}/deployments`,
        deployment("defaults", {
          template: {
            metadata: { labels: { app: "defaults" } },
            spec: {
              volumes: [
                { name: "e" },
                { name: "c", configMap: { name: "x" } },
                { name: "p", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
              ],
              containers: [
                {
                  name: "a",
                  image: "app",
                  ports: [{ containerPort: 80 }],
                  resources: { limits: { cpu: "1000m", memory: "1024Mi" } },
                  readinessProbe: { httpGet: { port: 80 } },
                  livenessProbe: { tcpSocket: { port: "http" }, periodSeconds: 0 },
                  startupProbe: { grpc: { port: 5 } },
                  env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
                  lifecycle: { preStop: { httpGet: { port: 80 } } },
                },
                { name: "b", image: "app@sha256:0000000000000000000000000000000000000000000000000000000000000000" },
              ],
            },
          },
        }),
      ],
      ["DELETE", `${apps}/deployments/defaults`],
    ],
  },
  {
    name: "Services get addresses and defaults",
    steps: [
      ["POST", `${core}/services`, service("plain", { selector: { app: "x" }, ports: [{ port: 80 }] })],
      [
        "POST",
        `${core}/services`,
        service("headless", { clusterIP: "None", ports: [{ port: 80, targetPort: "http" }] }),
      ],
      ["POST", `${core}/services`, service("external", { type: "ExternalName", externalName: "example.com" })],
      ["PUT", `${core}/services/plain`, service("plain", { selector: { app: "y" }, ports: [{ port: 81 }] })],
      ["PATCH", `${core}/services/plain`, { spec: { clusterIP: "10.96.7.7" } }, merge],
      [
        "PATCH",
        `${core}/services/plain`,
        { spec: { type: "ExternalName", externalName: "example.com", clusterIP: "", clusterIPs: null } },
        merge,
      ],
      ["PATCH", `${core}/services/external`, { spec: { type: "ClusterIP", ports: [{ port: 80 }] } }, merge],
      ["POST", `${core}/services`, service("bad", {})],
      ["POST", `${core}/services`, service("1bad", { ports: [{ port: 80 }] })],
      ["POST", `${core}/services`, service("bad", { ports: [{ port: 80 }, { port: 81 }] })],
      [
        "POST",
        `${core}/services`,
        service("bad", {
          ports: [
            { name: "a", port: 80 },
            { name: "a", port: 80 },
          ],
        }),
      ],
      ["POST", `${core}/services`, service("bad", { ports: [{ port: 0 }], type: "Odd" })],
      ["POST", `${core}/services`, service("bad", { type: "ExternalName" })],
      ["POST", `${core}/services`, service("bad", { clusterIP: "10.200.0.1", ports: [{ port: 80 }] })],
      ["DELETE", `${core}/services/plain`],
      ["DELETE", `${core}/services/headless`],
      ["DELETE", `${core}/services/external`],
    ],
  },
  {
    name: "pods are created pending, mostly immutable, and end gracefully once a node has them",
    steps: [
      ["POST", `${core}/pods`, pod("p")],
      ["PATCH", `${core}/pods/p`, { spec: { containers: [{ name: "c", image: "example.com/app:2" }] } }, strategic],
      ["PATCH", `${core}/pods/p`, { spec: { hostNetwork: true } }, merge],
      ["PATCH", `${core}/pods/p/status`, { status: { phase: "Running" } }, merge],
      [
        "POST",
        `${core}/pods/p/binding`,
        { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: "nowhere" } },
      ],
      [
        "POST",
        `${core}/pods/p/binding`,
        { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: "elsewhere" } },
      ],
      ["GET", `${core}/pods?fieldSelector=spec.nodeName%3Dnowhere,status.phase%3DRunning`],
      ["DELETE", `${core}/pods/p`, { gracePeriodSeconds: 7 }],
      ["DELETE", `${core}/pods/p`, { gracePeriodSeconds: 0 }],
      ["GET", `${core}/pods/p`],
      ["POST", `${core}/pods`, pod("unscheduled")],
      ["DELETE", `${core}/pods/unscheduled`],
      ["POST", `${core}/pods`, pod("x", { ...podSpec(), serviceAccountName: "nobody" })],
      ["GET", `${core}/pods/none/log`],
    ],
  },
  {
    name: "finalizers and propagation policies hold deleted objects",
    steps: [
      ["POST", `${core}/configmaps`, configMap("held", {}, { finalizers: ["example.com/hold"] })],
      ["DELETE", `${core}/configmaps/held`],
      [
        "PATCH",
        `${core}/configmaps/held`,
        { metadata: { finalizers: ["example.com/hold", "example.com/more"] } },
        merge,
      ],
      ["PATCH", `${core}/configmaps/held`, { metadata: { finalizers: null } }, merge],
      ["GET", `${core}/configmaps/held`],
    ],
  },
  {
    name: "server-side apply creates, owns, conflicts, forces and prunes",
    steps: [
      ["PATCH", `${core}/configmaps/applied`, configMap("applied"), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=one`, configMap("applied", { a: "1", b: "2" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, configMap("applied", { a: "9" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, configMap("applied", { a: "9", b: "8" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, configMap("applied", { b: "2", c: "3" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two&force=true`, configMap("applied", { a: "9" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=one`, configMap("applied", { b: "2" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=one`, configMap("applied", {}), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=up`, { data: { a: "10" } }, merge],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, configMap("applied", { a: "9" }), apply],
      [
        "PATCH",
        `${core}/configmaps/applied?fieldManager=two`,
        configMap("applied", {}, { managedFields: [{}] }),
        apply,
      ],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, { ...configMap("applied"), apiVersion: "v2" }, apply],
      ["PATCH", `${core}/configmaps/applied?force=true`, {}, merge],
      ["PATCH", `${core}/configmaps/applied`, { metadata: { managedFields: [] } }, merge],
    ],
  },
  {
    name: "server-side apply joins keyed lists",
    steps: [
      [
        "PATCH",
        `${apps}/deployments/ssa?fieldManager=one`,
        deployment("ssa", {}, [{ name: "a", image: "i:1", ports: [{ containerPort: 80 }] }]),
        apply,
      ],
      [
        "PATCH",
        `${apps}/deployments/ssa?fieldManager=two`,
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "ssa" },
          spec: {
            template: {
              spec: {
                containers: [
                  { name: "b", image: "i:1" },
                  { name: "a", env: [{ name: "E", value: "1" }] },
                ],
              },
            },
          },
        },
        apply,
      ],
      [
        "PATCH",
        `${apps}/deployments/ssa?fieldManager=two`,
        { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "ssa" } },
        apply,
      ],
      [
        "PATCH",
        `${apps}/deployments/ssa/status?fieldManager=status`,
        { status: { replicas: 0, observedGeneration: 1 } },
        merge,
      ],
      ["DELETE", `${apps}/deployments/ssa`],
    ],
  },
  {
    name: "custom resources are defaulted, pruned and validated",
    steps: [
      [
        "POST",
        widgets,
        widget("one", { size: 3, parts: [{ name: "x" }], free: { any: { thing: 1 } } }, { status: { lost: true } }),
      ],
      [
        "POST",
        widgets,
        widget("bad", { size: 0, mode: "c", name: "TOOLONG", tags: ["a", "a"], port: true, limits: { a: "b" } }),
      ],
      [
        "POST",
        widgets,
        widget("bad", { size: 11, tags: ["a", "b", "c", "d"], parts: [{ name: "x" }, { name: "x" }, {}] }),
      ],
      ["POST", widgets, widget("bad", {})],
      ["POST", widgets, { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "bad" }, spec: "text" }],
      ["POST", widgets, { apiVersion: "example.com/v2", kind: "Widget", metadata: { name: "bad" } }],
      ["PATCH", `${widgets}/one?fieldManager=m`, { spec: { size: 4, replicas: null } }, merge],
      ["PATCH", `${widgets}/one`, { spec: { size: 4 } }, strategic],
      ["PATCH", `${widgets}/one/status?fieldManager=s`, { status: { ready: true }, spec: { size: 9 } }, merge],
      ["PUT", `${widgets}/one`, widget("one", { size: 5 })],
      ["GET", `${widgets}/one/scale`],
      ["PATCH", `${widgets}/one/scale`, { spec: { replicas: 7 } }, merge],
      ["PATCH", `${widgets}/ssa?fieldManager=one`, widget("ssa", { size: 1, parts: [{ name: "a" }] }), apply],
      [
        "PATCH",
        `${widgets}/ssa?fieldManager=two`,
        widget("ssa", { size: 2, parts: [{ name: "b", weight: 3 }] }),
        apply,
      ],
      [
        "PATCH",
        `${widgets}/ssa?fieldManager=two`,
        { ...widget("ssa", {}), spec: { parts: [{ name: "b", weight: 3 }] } },
        apply,
      ],
      [
        "PATCH",
        `${widgets}/ssa?fieldManager=two`,
        { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "ssa" } },
        apply,
      ],
      ["DELETE", `${widgets}/one`],
      ["DELETE", `${widgets}/ssa`],
      ["GET", widgets],
    ],
  },
  {
    name: "definitions that make no sense are refused",
    steps: [
      [
        "POST",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        { ...widgetDefinition, metadata: { name: "odd.example.com" } },
      ],
      [
        "POST",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        {
          ...widgetDefinition,
          metadata: { name: "gadgets.example.com" },
          spec: {
            group: "example.com",
            scope: "Odd",
            names: { plural: "gadgets", kind: "Gadget" },
            versions: [{ name: "v1", served: true, storage: true }],
          },
        },
      ],
      ["GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"],
    ],
  },
  {
    name: "lists select and page",
    steps: [
      [
        "POST",
        `${core}/endpoints`,
        { apiVersion: "v1", kind: "Endpoints", metadata: { name: "e1", labels: { t: "a" } } },
      ],
      [
        "POST",
        `${core}/endpoints`,
        { apiVersion: "v1", kind: "Endpoints", metadata: { name: "e2", labels: { t: "b" } } },
      ],
      [
        "POST",
        `${core}/endpoints`,
        { apiVersion: "v1", kind: "Endpoints", metadata: { name: "e3", labels: { t: "b" } } },
      ],
      ["GET", `${core}/endpoints`],
      ["GET", `${core}/endpoints?limit=2`],
      ["GET", `${core}/endpoints?labelSelector=t%3Db&limit=1`],
      ["GET", `${core}/endpoints?labelSelector=t%20notin%20(b)`],
      ["GET", `${core}/endpoints?labelSelector=!t`],
      ["GET", `${core}/endpoints?fieldSelector=metadata.name%3De2`],
      ["GET", `${core}/endpoints?fieldSelector=metadata.name!%3De2`],
      ["DELETE", `${core}/endpoints?labelSelector=t%3Db`],
      ["GET", `${core}/endpoints`],
    ],
  },
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
  {
    name: "tables have the columns and cells that kubectl prints",
    steps: [
      ["POST", `${core}/configmaps`, configMap("table")],
      [
        "POST",
        `${core}/services`,
        service("table", {
          type: "NodePort",
          selector: { a: "b", c: "d" },
          ports: [
            { name: "a", port: 80, nodePort: 30123 },
            { name: "b", port: 81, protocol: "UDP", nodePort: 30124 },
          ],
          externalIPs: ["192.0.2.1"],
        }),
      ],
      [
        "POST",
        `${apps}/deployments`,
        deployment("table", { replicas: 3 }, [
          { name: "a", image: "i:1" },
          { name: "b", image: "j:2" },
        ]),
      ],
      [
        "PATCH",
        `${apps}/deployments/table/status`,
        { status: { replicas: 3, updatedReplicas: 2, readyReplicas: 1, availableReplicas: 1, unavailableReplicas: 2 } },
        merge,
      ],
      [
        "POST",
        `${core}/pods`,
        pod("table", {
          ...podSpec([
            { name: "a", image: "i" },
            { name: "b", image: "i" },
          ]),
          initContainers: [{ name: "i", image: "i" }],
          nodeName: "nowhere",
        }),
      ],
      ["GET", `${core}/pods/table`, undefined, undefined, table],
      [
        "PATCH",
        `${core}/pods/table/status`,
        {
          status: {
            phase: "Pending",
            initContainerStatuses: [
              {
                name: "i",
                image: "i",
                imageID: "",
                ready: false,
                restartCount: 2,
                state: { waiting: { reason: "CrashLoopBackOff" } },
              },
            ],
          },
        },
        merge,
      ],
      ["GET", `${core}/pods/table`, undefined, undefined, table],
      [
        "PATCH",
        `${core}/pods/table/status`,
        {
          status: {
            phase: "Running",
            podIP: "10.1.2.3",
            podIPs: [{ ip: "10.1.2.3" }],
            initContainerStatuses: [
              {
                name: "i",
                image: "i",
                imageID: "",
                ready: true,
                restartCount: 0,
                state: { terminated: { exitCode: 0, reason: "Completed" } },
              },
            ],
            containerStatuses: [
              { name: "a", image: "i", imageID: "", ready: true, restartCount: 1, state: { running: {} } },
              {
                name: "b",
                image: "i",
                imageID: "",
                ready: false,
                restartCount: 0,
                state: { terminated: { exitCode: 3 } },
              },
            ],
          },
        },
        merge,
      ],
      ["GET", `${core}/pods/table`, undefined, undefined, table],
      ["GET", `${core}/pods?includeObject=None`, undefined, undefined, table],
      ["DELETE", `${core}/pods/table`],
      ["GET", `${core}/pods/table`, undefined, undefined, table],
      ["DELETE", `${core}/pods/table?gracePeriodSeconds=0`],
      ["GET", `${apps}/deployments/table`, undefined, undefined, table],
      ["GET", `${core}/services/table`, undefined, undefined, table],
      ["GET", `${core}/configmaps/table`, undefined, undefined, table],
      ["POST", widgets, widget("table", { size: 3, mode: "a" })],
      [
        "PATCH",
        `${widgets}/table/status`,
        {
          status: {
            conditions: [
              { type: "Other", status: "False" },
              { type: "Ready", status: "True" },
            ],
          },
        },
        merge,
      ],
      ["GET", `${widgets}/table`, undefined, undefined, table],
      ["GET", `${widgets}/table`, undefined, undefined, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"],
      ["DELETE", `${widgets}/table`],
      [
        "GET",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com",
        undefined,
        undefined,
        table,
      ],
      ["GET", "/apis/coordination.k8s.io/v1/namespaces/contract/leases/l", undefined, undefined, table],
      ["GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/contract/rolebindings/a:b", undefined, undefined, table],
      ["GET", "/apis/discovery.k8s.io/v1/namespaces/contract/endpointslices/es", undefined, undefined, table],
      ["GET", "/api/v1/namespaces/contract", undefined, undefined, table],
      ["GET", `${core}/serviceaccounts/default`, undefined, undefined, table],
      ["GET", `${core}/secrets/s`, undefined, undefined, table],
      ["GET", `${core}/events/e`, undefined, undefined, table],
      ["GET", `${core}/configmaps/table`, undefined, undefined, "text/html"],
    ],
  },
  {
    name: "watches tell what is there",
    steps: [
      ["POST", `${core}/configmaps`, configMap("watched", { a: "1" }, { labels: { w: "1" } })],
      ["GET", `${core}/configmaps?watch=1&timeoutSeconds=1&labelSelector=w`],
      [
        "GET",
        `${core}/configmaps?watch=true&timeoutSeconds=1&labelSelector=w&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
      ],
      ["GET", `${core}/configmaps?watch=true&timeoutSeconds=1&sendInitialEvents=true`],
      ["GET", `${core}/configmaps/watched?watch=true&timeoutSeconds=1`],
    ],
  },
  ...quotaCases,
];
