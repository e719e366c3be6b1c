import fastJsonPatch from "fast-json-patch";
import { type AdmissionQuestion, admissionKinds, defaultObject, validateObject } from "../apis/admission.ts";
import type { AdmissionKind } from "../apis/admission-kind.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import { configMapProblem } from "./config-validation.ts";
import { type CreatePodForTrial, dryRunProblem } from "./dry-run.ts";
import type { AdmissionRequest, AdmissionResponse, GroupVersionKind } from "./review.ts";

/** Answers one request. */
export type Admit = (request: AdmissionRequest) => AdmissionResponse | Promise<AdmissionResponse>;

export interface AdmissionOptions {
  /** The configuration as it is now. */
  readonly config: () => ServingConfig;
  /** Asks the API server whether it would take a pod. */
  readonly createPodForTrial: CreatePodForTrial;
  /** Whether objects with fields that their kind does not have are refused; true unless told. */
  readonly refuseUnknownFields?: boolean;
}

/** The webhooks by their paths. */
export function admissionPaths(options: AdmissionOptions): ReadonlyMap<string, Admit> {
  return new Map<string, Admit>([
    [paths.defaulting, (request) => admitDefaulting(request, options)],
    [paths.resourceValidation, (request) => admitResource(request, options)],
    [paths.configValidation, admitConfigMap],
  ]);
}

/** Where the API server calls which webhook. */
export const paths = {
  defaulting: "/defaulting",
  resourceValidation: "/resource-validation",
  configValidation: "/config-validation",
} as const;

const kinds: ReadonlyMap<string, AdmissionKind> = new Map(
  admissionKinds.map((admission) => [idOf(admission.kind), admission]),
);

/** Fills in defaults. Source: knative.dev/pkg webhook/resourcesemantics/defaulting, as serving v0.42.2 requires it. */
export function admitDefaulting(request: AdmissionRequest, options: AdmissionOptions): AdmissionResponse {
  if (request.operation !== "CREATE" && request.operation !== "UPDATE") return { allowed: true };
  const kind = kinds.get(idOf(request.kind));
  if (!kind) return { allowed: false, message: `mutation failed: ${unhandled(request.kind)}` };
  const result = defaultObject(kind, questionOf(request, options));
  if (!result.allowed) return result;
  const patch = result.object ? fastJsonPatch.compare(request.object as object, result.object) : [];
  return { allowed: true, patch };
}

/** Accepts or refuses an object. Source: knative.dev/pkg webhook/resourcesemantics/validation, as serving v0.42.2 requires it. */
export async function admitResource(request: AdmissionRequest, options: AdmissionOptions): Promise<AdmissionResponse> {
  const kind = kinds.get(idOf(request.kind));
  if (!kind) return { allowed: false, message: `decoding request failed: ${unhandled(request.kind)}` };
  const verdict = validateObject(kind, questionOf(request, options));
  if (!verdict.allowed) return verdict;
  const problem = await dryRunProblem(request, options.config(), options.createPodForTrial);
  if (problem === undefined) return verdict;
  return { ...verdict, allowed: false, message: `validation callback failed: ${problem}` };
}

/** Accepts or refuses a ConfigMap. Source: knative.dev/pkg webhook/configmaps, as serving v0.42.2 requires it. */
function admitConfigMap(request: AdmissionRequest): AdmissionResponse {
  if (request.operation !== "CREATE" && request.operation !== "UPDATE") return { allowed: true };
  const refuse = (problem: string) => ({ allowed: false, message: `validation failed: ${problem}` });
  if (idOf(request.kind) !== "/v1/ConfigMap") return refuse(unhandled(request.kind));
  const { metadata, data } = (request.object ?? {}) as Readonly<Record<string, unknown>>;
  const { name = "", annotations } = (metadata ?? {}) as Readonly<Record<string, unknown>>;
  if (!isStringMap(data) || !isStringMap(annotations) || typeof name !== "string") {
    return refuse("cannot decode incoming new object: json: cannot unmarshal it into Go value of type v1.ConfigMap");
  }
  const problem = configMapProblem({ name, data: data ?? {}, annotations: annotations ?? {} });
  return problem === undefined ? { allowed: true } : refuse(problem);
}

function questionOf(
  request: AdmissionRequest,
  { config, refuseUnknownFields = true }: AdmissionOptions,
): AdmissionQuestion {
  return {
    operation: request.operation as AdmissionQuestion["operation"],
    object: request.object,
    oldObject: request.oldObject,
    subresource: request.subResource,
    userName: request.userName,
    config: config(),
    refuseUnknownFields,
  };
}

function idOf({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}/${kind}`;
}

function unhandled({ group, version, kind }: GroupVersionKind): string {
  return `unhandled kind: ${group}/${version}, Kind=${kind}`;
}

function isStringMap(value: unknown): value is Readonly<Record<string, string>> | null | undefined {
  if (value === undefined || value === null) return true;
  return (
    typeof value === "object" &&
    !Array.isArray(value) &&
    Object.values(value).every((entry) => typeof entry === "string")
  );
}
