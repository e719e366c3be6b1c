import type { Pod } from "../../apis/core/pod.ts";
import type { Container, PodSpec, Probe } from "../../apis/core/pod-spec.ts";

/** The port that a user's program is given in place of the one that its container declares. */
export interface UserPort {
  readonly container: string;
  readonly declared: number;
  readonly actual: number;
}

/** The container that serves the requests of a Knative revision, with the port it declares: the one named user-port. */
export function findUserPort(spec: PodSpec): Omit<UserPort, "actual"> | undefined {
  for (const { name, ports } of spec.containers) {
    const port = ports?.find((candidate) => candidate.name === "user-port");
    if (port) return { container: name, declared: port.containerPort };
  }
  return undefined;
}

/**
 * The pod as it is run here: the serving container's PORT and probes, and what tells queue-proxy of them (USER_PORT,
 * SERVING_READINESS_PROBE), name the port that the pod was given.
 */
export function withUserPort(pod: Pod, port: UserPort | undefined): Pod {
  if (!port) return pod;
  const containers = pod.spec.containers.map((container) =>
    container.name === port.container ? withServingPort(container, port) : withPortOfOther(container, port),
  );
  return { ...pod, spec: { ...pod.spec, containers } };
}

function withServingPort(container: Container, port: UserPort): Container {
  const env = (container.env ?? []).filter(({ name }) => name !== "PORT");
  const result: Container = { ...container, env: [...env, { name: "PORT", value: String(port.actual) }] };
  for (const field of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[field];
    if (probe) result[field] = withProbePort(probe, port, "127.0.0.1");
  }
  return result;
}

function withPortOfOther(container: Container, port: UserPort): Container {
  const env = container.env?.map((variable) => {
    if (variable.value === undefined) return variable;
    if (variable.name === "USER_PORT" && variable.value === String(port.declared)) {
      return { ...variable, value: String(port.actual) };
    }
    if (variable.name !== "SERVING_READINESS_PROBE" || variable.value === "") return variable;
    return { ...variable, value: withProbePorts(variable.value, port) };
  });
  return env ? { ...container, env } : container;
}

/** The JSON of a probe, or of several. What is no JSON is left to the program that reads it. */
function withProbePorts(text: string, port: UserPort): string {
  try {
    const parsed = JSON.parse(text) as Probe | Probe[];
    const changed = Array.isArray(parsed)
      ? parsed.map((probe) => withProbePort(probe, port))
      : withProbePort(parsed, port);
    return JSON.stringify(changed);
  } catch {
    return text;
  }
}

function withProbePort(probe: Probe, port: UserPort, host?: string): Probe {
  const meant = (wanted: unknown) =>
    wanted === port.declared || wanted === String(port.declared) || wanted === "user-port";
  const moved = <T extends { port: unknown; host?: string }>(action: T): T =>
    meant(action.port) ? { ...action, port: port.actual, ...(host && !action.host && { host }) } : action;
  const { httpGet, tcpSocket, grpc } = probe;
  return {
    ...probe,
    ...(httpGet && { httpGet: moved(httpGet) }),
    ...(tcpSocket && { tcpSocket: moved(tcpSocket) }),
    ...(grpc && meant(grpc.port) && { grpc: { ...grpc, port: port.actual } }),
  };
}
