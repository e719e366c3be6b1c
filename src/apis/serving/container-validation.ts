import { posix } from "node:path";
import type { FeaturesConfig } from "../../config/features.ts";
import { goQuote } from "../../lib/go-quote.ts";
import { isImageReference } from "../../lib/image-reference.ts";
import {
  type Container,
  type ContainerPort,
  containerSchema,
  type EnvFromSource,
  type EnvVar,
  type VolumeMount,
} from "../core/container.ts";
import type { Volume } from "../core/volume.ts";
import {
  each,
  type Findings,
  invalidValue,
  missing,
  missingOneOf,
  multipleOneOf,
  none,
  outOfBounds,
  plenty,
  problem,
  problemWith,
  under,
} from "../field-error.ts";
import { isEmpty } from "../semantic.ts";
import {
  containerMask,
  containerPortMask,
  envVarSourceMask,
  maskedFields,
  resourcesMask,
  volumeMountMask,
} from "./field-masks.ts";
import { type ProbeOwner, refuseProbe, validateProbe, validateReadinessProbe } from "./probe-validation.ts";
import { validateSecurityContext } from "./security-context-validation.ts";

/** serving: gets the requests. sidecar: runs beside it. init: runs before. */
type Role = "serving" | "sidecar" | "init";

/** What a container is judged by, beside itself. */
export interface Surroundings {
  readonly features: FeaturesConfig;
  readonly volumes: ReadonlyMap<string, Volume>;
}

const reservedContainerNames = ["queue-proxy"];
const reservedVariables = ["PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"];
/** The queue proxy's ports, its admin and metrics ports, and profiling. */
const reservedPorts = [8012, 8013, 8022, 9090, 9091, 8008];
const reservedPaths = ["/", "/dev", "/dev/log"];
const portNames = ["", "http1", "h2c"];
const messagePolicies = ["", "File", "FallbackToLogsOnError"];

export function validateServingContainer(container: Container, owner: ProbeOwner, around: Surroundings): Findings {
  return [
    ...under("livenessProbe", validateProbe(container.livenessProbe, owner, around.features)),
    ...under("readinessProbe", validateReadinessProbe(container.readinessProbe, owner, around.features)),
    ...validateContainer(container, "serving", around),
  ];
}

export function validateSidecar(container: Container, around: Surroundings): Findings {
  const { livenessProbe, readinessProbe } = container;
  const mayProbe = around.features.multiContainerProbing === "Enabled";
  return [
    ...under(
      "livenessProbe",
      mayProbe ? validateProbe(livenessProbe, "sidecar", around.features) : refuseProbe(livenessProbe),
    ),
    ...under(
      "readinessProbe",
      mayProbe ? validateReadinessProbe(readinessProbe, "sidecar", around.features) : refuseProbe(readinessProbe),
    ),
    ...validateContainer(container, "sidecar", around),
  ];
}

export function validateInitContainer(container: Container, around: Surroundings): Findings {
  const refused = (["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const).filter(
    (field) => container[field],
  );
  return [
    ...refused.flatMap((field) => problem("field not allowed in an init container", field)),
    ...validateContainer(container, "init", around),
  ];
}

function validateContainer(container: Container, role: Role, { features, volumes }: Surroundings): Findings {
  if (isEmpty(containerSchema, container)) return missing("");
  const policy = container.terminationMessagePolicy ?? "";
  return [
    ...maskedFields(containerMask, container, features),
    ...(reservedContainerNames.includes(container.name)
      ? problem(`${goQuote(container.name)} is a reserved container name`, "name")
      : none),
    ...under(
      "env",
      each(container.env, (variable) => validateVariable(variable, role, features)),
    ),
    ...under("envFrom", validateEnvFrom(container.envFrom)),
    ...validateImage(container.image),
    ...under("ports", validatePorts(container.ports, role, features)),
    ...under("resources", maskedFields(resourcesMask, container.resources, features)),
    ...under("securityContext", validateSecurityContext(container.securityContext, features)),
    ...(messagePolicies.includes(policy) ? none : invalidValue(policy, "terminationMessagePolicy")),
    ...under("volumeMounts", validateMounts(container.volumeMounts, volumes, features)),
  ];
}

function validateVariable({ name, valueFrom }: EnvVar, role: Role, features: FeaturesConfig): Findings {
  const isReserved = reservedVariables.includes(name) && !(name === "PORT" && role !== "serving");
  return [
    ...(name ? none : missing("name")),
    ...(isReserved ? problem(`${goQuote(name)} is a reserved environment variable`, "name") : none),
    ...under("valueFrom", maskedFields(envVarSourceMask, valueFrom, features)),
  ];
}

function validateEnvFrom(sources: readonly EnvFromSource[] | undefined): Findings {
  let found: Findings = none;
  for (const [index, { configMapRef, secretRef }] of (sources ?? []).entries()) {
    if (found.length > plenty) break;
    // Upstream moves all that was found so far under the reference.
    if (secretRef) found = under("secretRef", under(index, found));
    if (configMapRef) found = under("configMapRef", under(index, found));
    if (configMapRef && secretRef) found = [...found, ...multipleOneOf("configMapRef", "secretRef")];
    if (!configMapRef && !secretRef) found = [...found, ...missingOneOf("configMapRef", "secretRef")];
  }
  return found;
}

function validateImage(image: string | undefined): Findings {
  if (!image) return missing("image");
  if (isImageReference(image)) return none;
  const details = `image: ${goQuote(image)}, error: could not parse reference: ${image}`;
  return problemWith(details, "Failed to parse image reference", "image");
}

function validatePorts(ports: readonly ContainerPort[] | undefined, role: Role, features: FeaturesConfig): Findings {
  if (!ports?.[0]) return none;
  if (role === "init") return ports.flatMap((port) => validatePort(port, features));
  const [port] = ports;
  const name = port.name ?? "";
  return [
    ...validatePort(port, features),
    ...(port.protocol && port.protocol !== "TCP" ? invalidValue(port.protocol, "protocol") : none),
    ...(portNames.includes(name)
      ? none
      : problemWith("Name must be empty, or one of: 'h2c', 'http1'", `Port name ${name} is not allowed`, "")),
  ];
}

function validatePort(port: ContainerPort, features: FeaturesConfig): Findings {
  const number = port.containerPort;
  const reserved = `${number} is a reserved port`;
  return [
    ...maskedFields(containerPortMask, port, features),
    ...(reservedPorts.includes(number)
      ? invalidValue(reserved, "containerPort", `${reserved}, please use a different value`)
      : none),
    ...(number < 0 || number > 65535 ? outOfBounds(number, 0, 65535, "containerPort") : none),
  ];
}

function validateMounts(
  mounts: readonly VolumeMount[] | undefined,
  volumes: ReadonlyMap<string, Volume>,
  features: FeaturesConfig,
): Findings {
  const paths = new Set<string>();
  return each(mounts, (mount) => {
    const volume = volumes.get(mount.name ?? "");
    const found = [
      ...maskedFields(volumeMountMask, mount, features),
      ...(volume ? none : problem("volumeMount has no matching volume", "name")),
      ...validateMountPath(mount.mountPath, paths),
      ...validateReadOnly(mount, volume),
    ];
    paths.add(cleanPath(mount.mountPath));
    return found;
  });
}

function validateMountPath(path: string | undefined, taken: ReadonlySet<string>): Findings {
  if (!path) return missing("mountPath");
  const clean = cleanPath(path);
  if (reservedPaths.includes(clean)) return problem(`mountPath ${goQuote(clean)} is a reserved path`, "mountPath");
  if (!path.startsWith("/")) return invalidValue(path, "mountPath");
  return taken.has(clean) ? invalidValue(`${goQuote(path)} must be unique`, "mountPath") : none;
}

function validateReadOnly(mount: VolumeMount, volume: Volume | undefined): Findings {
  if (mount.readOnly) return none;
  const mayWrite = volume?.emptyDir !== undefined || volume?.persistentVolumeClaim !== undefined;
  return [
    ...(mayWrite ? none : problem("volume mount should be readOnly for this type of volume", "readOnly")),
    ...(volume?.persistentVolumeClaim?.readOnly
      ? problem("volume is readOnly but volume mount is not", "readOnly")
      : none),
  ];
}

/** The shortest spelling of a path. Source: Go path.Clean. */
function cleanPath(path: string | undefined): string {
  const normal = posix.normalize(path || ".");
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}
