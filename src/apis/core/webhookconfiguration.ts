import { defineKind, type ObjectOf } from "../kind.ts";
import { labelSelectorSchema } from "../meta.ts";
import { atomicList, bytes, described, int32, list, mergedBy, object, string, strings, words } from "../schema.ts";

const webhookFields = {
  name: string("The webhook's name: a fully qualified domain name."),
  clientConfig: object("How it is called.", {
    url: string("Its URL; or service."),
    service: object(
      "The Service in front of it.",
      {
        namespace: string("The Service's namespace."),
        name: string("The Service's name."),
        path: string("The path of the calls."),
        port: int32("The Service's port; 443 unless told."),
      },
      { required: ["namespace", "name"] },
    ),
    caBundle: bytes("The authority that signed its certificate, PEM."),
  }),
  rules: list(
    "The requests that it sees.",
    object("Some requests.", {
      operations: strings("CREATE, UPDATE, DELETE, CONNECT or *.", atomicList),
      apiGroups: strings("Their groups, or *.", atomicList),
      apiVersions: strings("Their versions, or *.", atomicList),
      resources: strings("Their resources, such as pods, pods/status or */*.", atomicList),
      scope: string("Cluster, Namespaced or * (unless told)."),
    }),
    atomicList,
  ),
  failurePolicy: words("What a failed call means: Fail (unless told) or Ignore.", ["Fail", "Ignore"]),
  matchPolicy: words("Whether other versions of the same objects count: Equivalent (unless told) or Exact.", [
    "Equivalent",
    "Exact",
  ]),
  namespaceSelector: described("The namespaces.", labelSelectorSchema),
  objectSelector: described("The objects.", labelSelectorSchema),
  sideEffects: words("Whether calls change anything else.", ["None", "NoneOnDryRun", "Some", "Unknown"]),
  timeoutSeconds: int32("Seconds a call may take, 1 to 30; 10 unless told."),
  admissionReviewVersions: strings("The versions of AdmissionReview that it understands.", atomicList),
  matchConditions: list(
    "Conditions (CEL) that requests must meet.",
    object(
      "One condition.",
      { name: string("Its name."), expression: string("The expression.") },
      { required: ["name", "expression"] },
    ),
    mergedBy("name"),
  ),
} as const;

const required = ["name", "clientConfig", "sideEffects", "admissionReviewVersions"] as const;

const validatingWebhookSchema = object("A webhook that accepts or refuses.", webhookFields, { required });
const mutatingWebhookSchema = object(
  "A webhook that may change objects.",
  {
    ...webhookFields,
    reinvocationPolicy: words("Whether it is called again after others have changed the object.", [
      "Never",
      "IfNeeded",
    ]),
  },
  { required },
);

/** Webhooks that may change objects before they are stored. */
export const MutatingWebhookConfiguration = defineKind({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  namespaced: false,
  categories: ["api-extensions"],
  description: "Webhooks that may change objects before they are stored.",
  properties: { webhooks: list("The webhooks.", mutatingWebhookSchema, mergedBy("name")) },
});
export type MutatingWebhookConfiguration = ObjectOf<typeof MutatingWebhookConfiguration>;

/** Webhooks that accept or refuse objects before they are stored. */
export const ValidatingWebhookConfiguration = defineKind({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
  namespaced: false,
  categories: ["api-extensions"],
  description: "Webhooks that accept or refuse objects before they are stored.",
  properties: { webhooks: list("The webhooks.", validatingWebhookSchema, mergedBy("name")) },
});
export type ValidatingWebhookConfiguration = ObjectOf<typeof ValidatingWebhookConfiguration>;
