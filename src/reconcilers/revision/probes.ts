import type { Probe } from "../../apis/core/pod-spec.ts";

const localAddress = "127.0.0.1";

/** A probe whose port is neither the container's nor given: which one is meant cannot be known. */
export class MissingProbePortError extends Error {}

/**
 * The readiness probe of the serving container, as queue-proxy runs it from inside the pod. What a user leaves open is
 * filled in: the address is the pod's own, the port the container's; an exec probe, which stays with the kubelet,
 * becomes a TCP probe. Source: serving v0.42.2 pkg/reconciler/revision/resources/queue.go.
 */
export function makeServingProbe(probe: Probe, userPort: number): Probe {
  return localProbe(probe, portIn(probe) ?? userPort);
}

/** The readiness probe of another container, which must name its port. */
export function makeSidecarProbe(container: { name: string; readinessProbe: Probe }): Probe {
  const port = portIn(container.readinessProbe);
  if (port === undefined) {
    throw new MissingProbePortError(
      `sidecar readiness probe does not define probe port on container: ${container.name}`,
    );
  }
  return localProbe(container.readinessProbe, port);
}

/**
 * The JSON text of a probe in the order of fields that the original writes, so that pods do not roll because of a
 * different order.
 */
export function encodeProbe(probe: Probe): string {
  return goJson(orderedProbe(probe));
}

/** Like encodeProbe, for the probes of several containers; null stands for a container without one. */
export function encodeProbes(probes: readonly (Probe | null)[]): string {
  return goJson(probes.map((probe) => probe && orderedProbe(probe)));
}

/**
 * The port that the probe gives as a number. A number written as a text counts as given, and is then read as 0: the
 * original does so. Undefined where no port is given.
 */
function portIn(probe: Probe): number | undefined {
  for (const action of [probe.httpGet, probe.tcpSocket]) {
    if (!action) continue;
    if (typeof action.port === "number") return action.port === 0 ? undefined : action.port;
    return Number(action.port) !== 0 && /^[+-]?\d+$/.test(String(action.port)) ? 0 : undefined;
  }
  return probe.grpc && probe.grpc.port > 0 ? probe.grpc.port : undefined;
}

function localProbe(probe: Probe, port: number): Probe {
  const { exec, httpGet, tcpSocket, grpc, ...timing } = probe;
  const timeoutSeconds =
    (timing.periodSeconds ?? 0) > 0 && (timing.timeoutSeconds ?? 0) < 1 ? 1 : timing.timeoutSeconds;
  const rest = { ...timing, ...(timeoutSeconds !== undefined && { timeoutSeconds }) };
  if (httpGet) return { ...rest, httpGet: { ...httpGet, host: localAddress, port, scheme: httpGet.scheme || "HTTP" } };
  if (tcpSocket || exec) return { ...rest, tcpSocket: { host: localAddress, port } };
  if (grpc) return { ...rest, grpc: { ...grpc, port } };
  return rest;
}

function orderedProbe(probe: Probe): object {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  return present({
    exec: exec && present({ command: exec.command?.length ? exec.command : undefined }),
    httpGet:
      httpGet &&
      present({
        path: httpGet.path || undefined,
        port: httpGet.port,
        host: httpGet.host || undefined,
        scheme: httpGet.scheme || undefined,
        httpHeaders: httpGet.httpHeaders?.length
          ? httpGet.httpHeaders.map(({ name, value }) => ({ name, value }))
          : undefined,
      }),
    tcpSocket: tcpSocket && present({ port: tcpSocket.port, host: tcpSocket.host || undefined }),
    grpc: grpc && { port: grpc.port, service: grpc.service ?? null },
    initialDelaySeconds: probe.initialDelaySeconds || undefined,
    timeoutSeconds: probe.timeoutSeconds || undefined,
    periodSeconds: probe.periodSeconds || undefined,
    successThreshold: probe.successThreshold || undefined,
    failureThreshold: probe.failureThreshold || undefined,
    terminationGracePeriodSeconds: probe.terminationGracePeriodSeconds,
  });
}

function present(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Go's encoding/json also escapes what could end a script element. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
