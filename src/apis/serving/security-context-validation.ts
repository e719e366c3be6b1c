import type { FeaturesConfig } from "../../config/features.ts";
import type { SecurityContext } from "../core/container.ts";
import type { PodSecurityContext } from "../core/pod-spec.ts";
import { asWarnings, each, type Findings, invalidValue, none, outOfBounds, problem, under } from "../field-error.ts";
import { capabilitiesMask, maskedFields, podSecurityContextMask, securityContextMask } from "./field-masks.ts";

const largestId = 2_147_483_647;

function validateId(id: number | undefined, field: string): Findings {
  return id !== undefined && (id < 0 || id > largestId) ? outOfBounds(id, 0, largestId, field) : none;
}

export function validateSecurityContext(context: SecurityContext | undefined, features: FeaturesConfig): Findings {
  if (!context) return none;
  return [
    ...maskedFields(securityContextMask, context, features),
    ...under("capabilities", maskedFields(capabilitiesMask, context.capabilities, features)),
    ...validateId(context.runAsUser, "runAsUser"),
    ...validateId(context.runAsGroup, "runAsGroup"),
  ];
}

export function validatePodSecurityContext(
  context: PodSecurityContext | undefined,
  features: FeaturesConfig,
): Findings {
  if (!context) return none;
  return [
    ...maskedFields(podSecurityContextMask, context, features),
    ...validateId(context.runAsUser, "runAsUser"),
    ...validateId(context.runAsGroup, "runAsGroup"),
    ...validateId(context.fsGroup, "fsGroup"),
    ...under(
      "supplementalGroups",
      each(context.supplementalGroups, (id) => validateId(id, "")),
    ),
  ];
}

/** Warns of what Kubernetes leaves open where neither the container nor the pod says otherwise. */
export function warnOfInsecureDefaults(pod: PodSecurityContext = {}, container: SecurityContext = {}): Findings {
  const open: string[] = [];
  if (pod.runAsNonRoot === undefined && container.runAsNonRoot === undefined) open.push("runAsNonRoot");
  if (container.allowPrivilegeEscalation === undefined) open.push("allowPrivilegeEscalation");
  if (!pod.seccompProfile && !container.seccompProfile) open.push("seccompProfile");
  else if (!pod.seccompProfile?.type && !container.seccompProfile?.type) open.push("seccompProfile.type");
  if (!container.capabilities) open.push("capabilities");
  else if (!container.capabilities.drop) open.push("capabilities.drop");
  const insecure = "Kubernetes default value is insecure, Knative may default this to secure in a future release";
  return asWarnings([
    ...open.flatMap((field) => problem(insecure, field)),
    ...(container.capabilities?.drop?.[0] === "all"
      ? invalidValue("all", "capabilities.drop", "Must be spelled as 'ALL'")
      : none),
  ]);
}
