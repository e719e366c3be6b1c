import { readFileSync } from "node:fs";

/** An AdmissionReview as the API server sends it, and the webhook that it goes to. */
export interface SentReview {
  readonly path: "/defaulting" | "/resource-validation" | "/config-validation";
  readonly body: { readonly apiVersion: string; readonly kind: string; readonly request: Record<string, unknown> };
}

interface Recorded {
  readonly request: {
    readonly kind?: string;
    readonly name?: string;
    readonly operation?: string;
    readonly object?: { readonly apiVersion?: string } | null;
    readonly [field: string]: unknown;
  };
}

const groups: Readonly<Record<string, string>> = {
  Service: "serving.knative.dev/v1",
  Configuration: "serving.knative.dev/v1",
  Revision: "serving.knative.dev/v1",
  Route: "serving.knative.dev/v1",
  DomainMapping: "serving.knative.dev/v1beta1",
  PodAutoscaler: "autoscaling.internal.knative.dev/v1alpha1",
  Metric: "autoscaling.internal.knative.dev/v1alpha1",
  Certificate: "networking.internal.knative.dev/v1alpha1",
  Ingress: "networking.internal.knative.dev/v1alpha1",
  ServerlessService: "networking.internal.knative.dev/v1alpha1",
};

/** Reviews of every kind, valid and not: those of the recorded cases under test/corpus. */
export function recordedReviews(): SentReview[] {
  const objects = corpus("admit.jsonl").flatMap(({ request }): SentReview[] => {
    const body = reviewOf(groups[request.kind ?? ""] ?? "", request.kind ?? "", request);
    return [
      { path: "/defaulting", body },
      { path: "/resource-validation", body },
    ];
  });
  const configMaps = corpus("configmap.jsonl").map(({ request }): SentReview => {
    const { name, data, annotations } = request;
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, annotations }, data };
    return { path: "/config-validation", body: reviewOf("v1", "ConfigMap", { object }) };
  });
  return [...objects, ...configMaps];
}

function reviewOf(apiVersion: string, kind: string, request: Recorded["request"]): SentReview["body"] {
  const { operation = "CREATE", object = null, oldObject = null, subresource = "", userInfo = {} } = request;
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      kind: { group, version, kind },
      resource: { group, version, resource: `${kind.toLowerCase()}s` },
      subResource: subresource,
      namespace: "default",
      operation,
      userInfo,
      object,
      oldObject,
      dryRun: false,
    },
  };
}

function corpus(file: string): Recorded[] {
  const text = readFileSync(new URL(`../../test/corpus/${file}`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
