import {
  apps,
  type ContractCase,
  configMap,
  core,
  deployment,
  json,
  merge,
  pod,
  podSpec,
  type Step,
  strategic,
  widget,
  widgets,
} from "./samples.ts";

const protobuf = "application/vnd.kubernetes.protobuf";

/** How requests are read and refused, whatever they are about. */
export const requestCases: readonly ContractCase[] = [
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
    name: "amounts, owners and time-outs that are none are refused",
    steps: [
      ["POST", `${core}/pods`, pod("bad", podSpec([{ name: "c", image: "i", resources: { limits: { cpu: true } } }]))],
      [
        "POST",
        `${core}/pods`,
        pod("bad", podSpec([{ name: "c", image: "i", resources: { limits: { cpu: "much" } } }])),
      ],
      [
        "POST",
        `${core}/configmaps`,
        configMap(
          "bad",
          {},
          {
            ownerReferences: ["a", "b"].map((name) => ({
              apiVersion: "v1",
              kind: "Pod",
              name,
              uid: name,
              controller: true,
            })),
          },
        ),
      ],
      ...[0, 31].map(
        (timeoutSeconds): Step => [
          "POST",
          "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
          {
            apiVersion: "admissionregistration.k8s.io/v1",
            kind: "ValidatingWebhookConfiguration",
            metadata: { name: "w" },
            webhooks: [
              {
                name: "w.example.com",
                clientConfig: { url: "https://127.0.0.1:1/" },
                sideEffects: "None",
                admissionReviewVersions: ["v1"],
                timeoutSeconds,
              },
            ],
          },
        ],
      ),
    ],
  },
  {
    name: "protobuf is read",
    steps: [
      ["POST", `${core}/configmaps`, inProtobuf("v1", "ConfigMap", "coded"), protobuf],
      ["DELETE", `${core}/configmaps/coded`, inProtobuf("v1", "DeleteOptions"), protobuf],
      ["POST", `${core}/configmaps`, inProtobuf("v1", "Secret", "coded"), protobuf],
      ["POST", `${core}/configmaps`, inProtobuf("v1", "Nonsense", "coded"), protobuf],
    ],
  },
];

/** An object of the kind in which nothing but its name is set. All bytes are ASCII. */
function inProtobuf(apiVersion: string, kind: string, name = ""): string {
  const field = (number: number, text: string) => String.fromCharCode((number << 3) | 2, text.length) + text;
  const type = field(1, apiVersion) + field(2, kind);
  const raw = name && field(1, field(1, name));
  return `k8s\0${field(1, type)}${field(2, raw)}`;
}
