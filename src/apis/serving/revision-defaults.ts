import { initContainerName, userContainerName } from "../../config/defaults.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { childName } from "../../lib/child-name.ts";
import type { Operation } from "../admission-kind.ts";
import type { Container, PodSpec } from "../core/pod-spec.ts";
import type { Probe } from "../core/probe.ts";
import type { ObjectMeta } from "../meta.ts";
import type { RevisionSpec } from "./revision.ts";

/** What defaults depend on beside the spec. */
export interface RevisionDefaultsContext {
  readonly config: ServingConfig;
  readonly operation: Operation | undefined;
  /** The metadata of the Service or Configuration around the template; nothing for a Revision of its own. */
  readonly parent: Partial<ObjectMeta>;
}

/** Fills in what the user left out of a revision's spec. Source: serving v0.42.2 pkg/apis/serving/v1/revision_defaults.go. */
export function setRevisionDefaults(spec: RevisionSpec, { config, operation, parent }: RevisionDefaultsContext): void {
  setTimeouts(spec, config);
  spec.containerConcurrency ??= config.defaults.containerConcurrency;
  const containers = spec.containers ?? [];
  const initContainers = spec.initContainers ?? [];
  const taken = new Set([...containers, ...initContainers].map((container) => container.name ?? ""));
  setNames(containers, taken, userContainerName(config.defaults, parent));
  setNames(initContainers, taken, initContainerName(config.defaults, parent));
  const writable = writableVolumes(spec);
  for (const container of containers) {
    setResources(container, config);
    const servesRequests = containers.length === 1 || (container.ports ?? []).length > 0;
    if (servesRequests) setReadinessProbe(container);
    if (container.readinessProbe) setProbeNumbers(container.readinessProbe);
    for (const probe of [container.readinessProbe, container.livenessProbe, container.startupProbe]) {
      if (probe?.grpc) probe.grpc.service ??= "";
    }
    setReadOnlyMounts(container, writable);
    if (operation === "CREATE" && config.defaults.enableServiceLinks !== undefined) {
      spec.enableServiceLinks ??= config.defaults.enableServiceLinks;
    }
  }
  if (config.features.securePodDefaults === "Enabled") {
    for (const container of [...containers, ...initContainers]) secure(container, spec);
  }
}

/** Timeouts that are not below the revision's own timeout would never be reached and are not filled in. */
function setTimeouts(spec: RevisionSpec, { defaults }: ServingConfig): void {
  const timeout = spec.timeoutSeconds || defaults.revisionTimeoutSeconds;
  spec.timeoutSeconds = timeout;
  const fitting = (seconds: number) => (seconds !== 0 && seconds < timeout ? seconds : undefined);
  const idle = spec.idleTimeoutSeconds ?? fitting(defaults.revisionIdleTimeoutSeconds);
  if (idle !== undefined) spec.idleTimeoutSeconds = idle;
  const responseStart = spec.responseStartTimeoutSeconds ?? fitting(defaults.revisionResponseStartTimeoutSeconds);
  if (responseStart !== undefined) spec.responseStartTimeoutSeconds = responseStart;
}

/** The only container gets the name itself, several get -0, -1, ... appended; names that users gave are left out. */
function setNames(containers: readonly Container[], taken: ReadonlySet<string>, name: string): void {
  let next = 0;
  for (const container of containers) {
    if (container.name) continue;
    container.name = name;
    if (containers.length === 1 && !taken.has(name)) continue;
    do container.name = childName(name, `-${next++}`);
    while (taken.has(container.name));
  }
}

/** Like Go's JSON, which upstream's webhook answers with, this shows no requests and no limits rather than empty ones. */
function setResources(container: Container, { defaults }: ServingConfig): void {
  container.resources ??= {};
  const resources = container.resources;
  const requests = { ...resources.requests };
  const limits = { ...resources.limits };
  const rows = [
    ["cpu", defaults.revisionCPURequest, defaults.revisionCPULimit],
    ["memory", defaults.revisionMemoryRequest, defaults.revisionMemoryLimit],
    ["ephemeral-storage", defaults.revisionEphemeralStorageRequest, defaults.revisionEphemeralStorageLimit],
  ] as const;
  for (const [name, request, limit] of rows) {
    if (request !== undefined) requests[name] ??= request;
    if (limit !== undefined) limits[name] ??= limit;
  }
  if (Object.keys(requests).length > 0) resources.requests = requests;
  if (Object.keys(limits).length > 0) resources.limits = limits;
}

/** The container that serves requests is ready once its port takes connections. */
function setReadinessProbe(container: Container): void {
  container.readinessProbe ??= {};
  const probe = container.readinessProbe;
  if (!probe.tcpSocket && !probe.httpGet && !probe.exec && !probe.grpc) probe.tcpSocket = { port: 0 };
}

function setProbeNumbers(probe: Probe): void {
  probe.successThreshold ||= 1;
  if (!probe.periodSeconds) return;
  probe.failureThreshold ||= 3;
  probe.timeoutSeconds ||= 1;
}

function writableVolumes({ volumes = [] }: PodSpec): ReadonlySet<string> {
  const writable = volumes.filter((volume) => volume.emptyDir || volume.persistentVolumeClaim);
  return new Set(writable.map((volume) => volume.name ?? ""));
}

function setReadOnlyMounts(container: Container, writable: ReadonlySet<string>): void {
  for (const mount of container.volumeMounts ?? []) if (!writable.has(mount.name ?? "")) mount.readOnly = true;
}

/** Closes what Kubernetes leaves open (flag secure-pod-defaults), as its "restricted" profile wants it. */
function secure(container: Container, { securityContext: pod }: PodSpec): void {
  container.securityContext ??= {};
  const context = container.securityContext;
  context.allowPrivilegeEscalation ??= false;
  if (!pod?.seccompProfile?.type) {
    context.seccompProfile ??= { type: "" };
    const profile = context.seccompProfile;
    profile.type ||= "RuntimeDefault";
  }
  if (!context.capabilities) {
    const needsLowPort = container.ports?.some((port) => port.containerPort < 1024);
    context.capabilities = { drop: ["ALL"], ...(needsLowPort && { add: ["NET_BIND_SERVICE"] }) };
  }
  if (pod?.runAsNonRoot === undefined) context.runAsNonRoot = true;
}
