import type { ServingConfig } from "../config/serving-config.ts";
import type { AdmissionContext, AdmissionKind, Operation } from "./admission-kind.ts";
import { metricAdmission } from "./autoscaling/metric-admission.ts";
import { podAutoscalerAdmission } from "./autoscaling/podautoscaler-admission.ts";
import { DecodeError, decode } from "./decode.ts";
import { errorsOf, warningsOf } from "./field-error.ts";
import type { KindInfo } from "./kind.ts";
import type { KubeObject } from "./meta.ts";
import { certificateAdmission } from "./networking/certificate-admission.ts";
import { ingressAdmission } from "./networking/ingress-admission.ts";
import { serverlessServiceAdmission } from "./networking/serverlessservice-admission.ts";
import { configurationAdmission } from "./serving/configuration-admission.ts";
import { domainMappingAdmission } from "./serving/domainmapping-admission.ts";
import { revisionAdmission } from "./serving/revision-admission.ts";
import { routeAdmission } from "./serving/route-admission.ts";
import { serviceAdmission } from "./serving/service-admission.ts";

/** The kinds whose objects the webhooks default and validate. */
export const admissionKinds: readonly AdmissionKind[] = [
  serviceAdmission,
  configurationAdmission,
  revisionAdmission,
  routeAdmission,
  domainMappingAdmission,
  podAutoscalerAdmission,
  metricAdmission,
  ingressAdmission,
  certificateAdmission,
  serverlessServiceAdmission,
];

/** What an AdmissionReview asks. */
export interface AdmissionQuestion {
  readonly operation: Operation | "DELETE" | "CONNECT";
  /** The new object as parsed JSON; absent for DELETE. It is not changed. */
  readonly object?: unknown;
  /** The stored object as parsed JSON; absent for CREATE. */
  readonly oldObject?: unknown;
  /** Empty for the object itself. */
  readonly subresource?: string;
  readonly userName: string;
  readonly config: ServingConfig;
  /** Whether fields that the kind does not have are refused; `metadata` may always have some. */
  readonly refuseUnknownFields: boolean;
}

export type Defaulted =
  | { readonly allowed: true; readonly object: KubeObject | undefined }
  | { readonly allowed: false; readonly message: string };

export interface Verdict {
  readonly allowed: boolean;
  readonly message?: string;
  readonly warnings: readonly string[];
}

/**
 * The object with defaults, or why it cannot have any. `object` is undefined where nothing is to be changed.
 * Source: knative.dev/pkg webhook/resourcesemantics/defaulting, as serving v0.42.2 requires it.
 */
export function defaultObject(kind: AdmissionKind, question: AdmissionQuestion): Defaulted {
  if (question.operation !== "CREATE" && question.operation !== "UPDATE") return { allowed: true, object: undefined };
  try {
    const object = decodeStrictly(kind.kind, question.object, question.refuseUnknownFields, "new");
    const old = decodeStrictly(kind.kind, question.oldObject, question.refuseUnknownFields, "old");
    if (old) kind.setDefaults(old, contextOf(question, undefined, undefined));
    if (!object) return { allowed: false, message: "mutation failed: the new object may not be nil" };
    kind.setDefaults(object, contextOf(question, old ? "UPDATE" : "CREATE", old));
    return { allowed: true, object };
  } catch (error) {
    if (error instanceof DecodeError) return { allowed: false, message: `mutation failed: ${error.message}` };
    throw error;
  }
}

/**
 * Whether the object is valid, after defaulting.
 * Source: knative.dev/pkg webhook/resourcesemantics/validation, as serving v0.42.2 requires it.
 */
export function validateObject(kind: AdmissionKind, question: AdmissionQuestion): Verdict {
  try {
    const object = decodeStrictly(kind.kind, question.object, question.refuseUnknownFields, "new");
    const old = decodeStrictly(kind.kind, question.oldObject, question.refuseUnknownFields, "old");
    const { operation } = question;
    if (operation !== "CREATE" && operation !== "UPDATE") return { allowed: true, warnings: [] };
    if (!object) return { allowed: false, message: "validation failed: the new object may not be nil", warnings: [] };
    const findings = kind.validate(object, contextOf(question, operation, old));
    const errors = errorsOf(findings);
    const warnings = warningsOf(findings);
    return errors === undefined
      ? { allowed: true, warnings }
      : { allowed: false, message: `validation failed: ${errors}`, warnings };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { allowed: false, message: `decoding request failed: ${error.message}`, warnings: [] };
  }
}

function contextOf(
  question: AdmissionQuestion,
  operation: Operation | undefined,
  old: KubeObject | undefined,
): AdmissionContext {
  const { config, userName, subresource = "" } = question;
  return { config, userName, operation, old: operation === "UPDATE" ? old : undefined, subresource };
}

function decodeStrictly(
  kind: KindInfo,
  value: unknown,
  refuseUnknownFields: boolean,
  which: "new" | "old",
): KubeObject | undefined {
  if (value === undefined || value === null) return undefined;
  try {
    const { object, unknownFields } = decode<KubeObject>(kind, value, { ignoreCase: true });
    const unknownField = unknownFields.find((path) => !path.startsWith("metadata."));
    if (refuseUnknownFields && unknownField !== undefined) {
      throw new DecodeError(`json: unknown field "${unknownField.slice(unknownField.lastIndexOf(".") + 1)}"`);
    }
    object.metadata ??= { name: "" };
    return object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(`cannot decode incoming ${which} object: ${error.message}`, { cause: error });
  }
}
