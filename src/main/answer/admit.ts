import fastJsonPatch, { type Operation } from "fast-json-patch";
import { admissionKinds } from "../../apis/admission.ts";
import { type AdmissionOptions, admitDefaulting, admitResource } from "../../webhook/admission.ts";
import type { AdmissionRequest, AdmissionResponse } from "../../webhook/review.ts";
import { type RequestConfigMaps, servingConfigOf } from "./config-maps.ts";

interface AdmitRequest {
  readonly kind: string;
  readonly operation?: string;
  readonly object?: unknown;
  readonly oldObject?: unknown;
  readonly subresource?: string;
  readonly userInfo?: { readonly username?: string };
  readonly configMaps?: RequestConfigMaps;
  /** Whether unknown fields are refused; true unless told. */
  readonly strict?: boolean | null;
  readonly dryRun?: boolean;
  /** What the API server says to the pod on trial; nothing unless told. */
  readonly dryRunError?: string;
  readonly skipDefaulting?: boolean;
  readonly withPatch?: boolean;
}

/** Op `admit`: what the defaulting webhook makes of an object, and what the validating webhook says to that. */
export async function answerAdmit(request: AdmitRequest): Promise<unknown> {
  const config = servingConfigOf(request.configMaps);
  const options: AdmissionOptions = {
    config: () => config,
    refuseUnknownFields: request.strict ?? true,
    createPodForTrial: async () => {
      if (request.dryRunError) throw new Error(request.dryRunError);
    },
  };
  let review = reviewOf(request);
  let mutate: unknown;
  if (!request.skipDefaulting) {
    const response = admitDefaulting(review, options);
    mutate = verdict(response, request.withPatch ?? false);
    if (!response.allowed) return { allowed: false, stage: "defaulting", message: response.message, mutate };
    review = { ...review, object: patched(review.object, response) };
  }
  const response = await admitResource(review, options);
  return {
    allowed: response.allowed,
    ...(!response.allowed && { stage: "validation", message: response.message }),
    mutate,
    object: review.object,
    validate: verdict(response, false),
  };
}

function reviewOf(request: AdmitRequest): AdmissionRequest {
  const kind = admissionKinds.find((admission) => admission.kind.kind === request.kind)?.kind;
  if (!kind) throw new Error(`unknown kind ${JSON.stringify(request.kind)}`);
  const { metadata = {} } = (request.object ?? {}) as { metadata?: { name?: string; namespace?: string } | null };
  return {
    uid: "00000000-0000-0000-0000-000000000000",
    kind: { group: kind.group, version: kind.version, kind: kind.kind },
    resource: { group: kind.group, version: kind.version, resource: kind.plural },
    subResource: request.subresource ?? "",
    name: metadata?.name ?? "",
    namespace: metadata?.namespace ?? "",
    operation: request.operation || "CREATE",
    userName: request.userInfo?.username ?? "",
    object: request.object ?? undefined,
    oldObject: request.oldObject ?? undefined,
    dryRun: request.dryRun ?? false,
  };
}

function patched(object: unknown, { patch = [] }: AdmissionResponse): unknown {
  return fastJsonPatch.applyPatch(structuredClone(object), patch as Operation[]).newDocument;
}

function verdict({ allowed, message, patch, warnings = [] }: AdmissionResponse, withPatch: boolean): unknown {
  return {
    allowed,
    ...(message !== undefined && { message, code: 400, reason: "BadRequest" }),
    ...(warnings.length > 0 && { warnings }),
    ...(withPatch && patch && { patch }),
  };
}
