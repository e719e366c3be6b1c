import type { Container, EnvVar, Probe } from "../../apis/core/pod-spec.ts";
import { queueAdminPort } from "../../apis/networking/ports.ts";
import { configurationLabel, serviceLabel } from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";

/** The port that a program is told to listen on where the user names none. */
const defaultUserPort = 8080;
const userPortName = "user-port";

/** The container that gets the requests: the only one, or the one with a port. */
export function servingContainer(revision: Revision): Container {
  const { containers } = revision.spec;
  const serving = containers.length === 1 ? containers[0] : containers.find(hasPorts);
  return serving ?? { name: "" };
}

/** The containers beside the serving one. */
export function sidecarContainers(revision: Revision): Container[] {
  const { containers } = revision.spec;
  return containers.length === 1 ? [] : containers.filter((container) => !hasPorts(container));
}

/** The port that the user's program listens on. */
export function userPort(revision: Revision): number {
  return servingContainer(revision).ports?.[0]?.containerPort || defaultUserPort;
}

/** Whether the user's program speaks HTTP/2 without TLS. */
export function speaksH2c(revision: Revision): boolean {
  return servingContainer(revision).ports?.[0]?.name === "h2c";
}

/**
 * The user's containers as they run: with Knative's environment, the pre-stop hook that waits for queue-proxy, the
 * pinned image, and without the readiness probes that queue-proxy takes over.
 * Source: serving v0.42.2 pkg/reconciler/revision/resources/deploy.go BuildUserContainers.
 */
export function makeUserContainers(revision: Revision): Container[] {
  const { containers } = revision.spec;
  return containers.map((container, index) => {
    const digest = revision.status?.containerStatuses?.[index]?.imageDigest;
    const pinned = digest ? { ...container, image: digest } : container;
    return hasPorts(container) || containers.length === 1
      ? makeServingContainer(pinned, revision)
      : makeContainer(pinned, revision);
  });
}

function makeServingContainer(container: Container, revision: Revision): Container {
  const port = userPort(revision);
  const { livenessProbe } = container;
  return makeContainer(
    {
      ...container,
      ports: [{ name: userPortName, containerPort: port }],
      env: [...(container.env ?? []), { name: "PORT", value: String(port) }],
      ...(livenessProbe && { livenessProbe: probeOn(livenessProbe, port) }),
    },
    revision,
  );
}

function makeContainer(container: Container, revision: Revision): Container {
  const { stdin, tty, readinessProbe, ...rest } = container;
  const probedByQueueProxy = readinessProbe?.httpGet ?? readinessProbe?.tcpSocket ?? readinessProbe?.grpc;
  return {
    ...rest,
    env: [...(container.env ?? []), ...knativeEnvironment(revision)],
    lifecycle: { preStop: { httpGet: { port: queueAdminPort, path: "/wait-for-drain" } } },
    terminationMessagePolicy: container.terminationMessagePolicy || "FallbackToLogsOnError",
    ...(readinessProbe && !probedByQueueProxy && { readinessProbe }),
  };
}

function knativeEnvironment({ metadata: { name, labels = {} } }: Revision): EnvVar[] {
  return [
    envVar("K_REVISION", name),
    envVar("K_CONFIGURATION", labels[configurationLabel]),
    envVar("K_SERVICE", labels[serviceLabel]),
  ];
}

/** An empty value is left out, as the API server would. */
export function envVar(name: string, value: string | undefined): EnvVar {
  return value ? { name, value } : { name };
}

function probeOn(probe: Probe, port: number): Probe {
  if (probe.httpGet) return { ...probe, httpGet: { ...probe.httpGet, port } };
  if (probe.tcpSocket) return { ...probe, tcpSocket: { ...probe.tcpSocket, port } };
  return probe;
}

function hasPorts(container: Container): boolean {
  return (container.ports?.length ?? 0) > 0;
}
