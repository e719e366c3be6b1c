import type { FeaturesConfig } from "../../config/features.ts";
import { goQuote } from "../../lib/go-quote.ts";
import { subdomainProblems } from "../../lib/kube-names.ts";
import type { Container, PodSpec } from "../core/pod-spec.ts";
import type { Volume } from "../core/volume.ts";
import {
  type Findings,
  invalidValue,
  missing,
  none,
  plenty,
  problem,
  problemWith,
  under,
  underElement,
} from "../field-error.ts";
import {
  type Surroundings,
  validateInitContainer,
  validateServingContainer,
  validateSidecar,
} from "./container-validation.ts";
import { maskedFields, podSpecMask } from "./field-masks.ts";
import { validatePodSecurityContext, warnOfInsecureDefaults } from "./security-context-validation.ts";
import { validateVolumes } from "./volume-validation.ts";

/** What is wrong with the pod spec of a revision. Source: serving v0.42.2 pkg/apis/serving/k8s_validation.go. */
export function validatePodSpec(pod: Partial<PodSpec>, features: FeaturesConfig): Findings {
  const containers = pod.containers ?? [];
  const initContainers = pod.initContainers ?? [];
  const mounts = [...initContainers, ...containers].flatMap((container) => container.volumeMounts ?? []);
  const mounted = new Set(mounts.map((mount) => mount.name ?? ""));
  const volumes = new Map<string, Volume>((pod.volumes ?? []).map((volume) => [volume.name ?? "", volume]));
  const around: Surroundings = { features, volumes };
  const warn = (field: string) => (container: Container, index: number) =>
    underElement(
      field,
      index,
      under("securityContext", warnOfInsecureDefaults(pod.securityContext, container.securityContext)),
    );
  return [
    ...maskedFields(podSpecMask, pod, features),
    ...under("securityContext", validatePodSecurityContext(pod.securityContext, features)),
    ...containers.flatMap(warn("containers")),
    ...initContainers.flatMap(warn("initContainers")),
    ...under("volumes", validateVolumes(pod.volumes, mounted, features)),
    ...validateInitContainers(initContainers, containers, around),
    ...under("containers[*]", validatePortCount(containers)),
    ...validateContainers(containers, around),
    ...subdomainProblems(pod.serviceAccountName || "default").flatMap((text) =>
      invalidValue(pod.serviceAccountName, "serviceAccountName", text),
    ),
  ];
}

function validateInitContainers(
  initContainers: readonly Container[],
  others: readonly Container[],
  around: Surroundings,
): Findings {
  if (initContainers.length === 0) return none;
  if (around.features.podSpecInitContainers !== "Enabled") {
    return problem(`pod spec support for init-containers is off, but found ${initContainers.length} init containers`);
  }
  const names = new Set(others.map((container) => container.name));
  let found: Findings = none;
  for (const [index, container] of initContainers.entries()) {
    if (found.length > plenty) break;
    // Upstream moves all that was found so far under the duplicate, and calls the list containers.
    if (names.has(container.name)) found = underElement("containers", index, [...found, ...duplicate(container)]);
    found = [...found, ...underElement("containers", index, validateInitContainer(container, around))];
  }
  return found;
}

function validateContainers(containers: readonly Container[], around: Surroundings): Findings {
  const port = containers.findLast((container) => container.ports?.length)?.ports?.[0];
  const owner = { portName: port?.name || "http" };
  if (containers.length === 0) return missing("containers");
  if (containers.length === 1)
    return underElement("containers", 0, validateServingContainer(containers[0]!, owner, around));
  if (around.features.multiContainer !== "Enabled") {
    return problem(`multi-container is off, but found ${containers.length} containers`);
  }
  const names = new Set<string>();
  let found: Findings = none;
  for (const [index, container] of containers.entries()) {
    if (found.length > plenty) break;
    // Upstream moves all that was found so far under the duplicate.
    if (names.has(container.name)) found = underElement("containers", index, [...found, ...duplicate(container)]);
    names.add(container.name);
    const own = container.ports?.length
      ? validateServingContainer(container, owner, around)
      : validateSidecar(container, around);
    found = [...found, ...underElement("containers", index, own)];
  }
  return found;
}

function duplicate(container: Container): Findings {
  return problem(`duplicate container name ${goQuote(container.name ?? "")}`, "name");
}

function validatePortCount(containers: readonly Container[]): Findings {
  const count = containers.reduce((sum, container) => sum + (container.ports?.length ?? 0), 0);
  if (count === 0 && containers.length > 1) return missing("ports");
  if (count <= 1) return none;
  return problemWith(
    "Only a single port is allowed across all containers",
    "more than one container port is set",
    "ports",
  );
}
