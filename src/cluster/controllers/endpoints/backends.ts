import type { EndpointAddress, EndpointPort, Endpoints } from "../../../apis/core/endpoints.ts";
import type { Endpoint, EndpointSlice } from "../../../apis/core/endpointslice.ts";
import { isPodReady, type Pod } from "../../../apis/core/pod.ts";
import type { Service, ServicePort } from "../../../apis/core/service.ts";
import { hasEnded } from "../pods.ts";

/** A pod behind a Service, with the numbers that the Service's ports have there. */
export interface Backend {
  readonly pod: Pod;
  readonly ports: readonly EndpointPort[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

/**
 * The pods that a Service leads to: those that have an address and have not ended. A named target port is looked up in
 * each pod; a pod that has none of the ports does not appear. Sorted by name.
 * Source: k8s.io/endpointslice v0.34 (podToEndpoint, getEndpointPorts).
 */
export function backendsOf(service: Service, pods: readonly Pod[]): Backend[] {
  const publishAll = service.spec?.publishNotReadyAddresses === true;
  const servicePorts = service.spec?.ports ?? [];
  return pods
    .filter((pod) => pod.status?.podIP && !hasEnded(pod))
    .map((pod) => {
      const serving = isPodReady(pod);
      const terminating = pod.metadata.deletionTimestamp !== undefined;
      const ports = servicePorts.flatMap((port) => {
        const number = targetPortIn(pod, port);
        return number === undefined ? [] : [endpointPort(port, number)];
      });
      return { pod, ports, serving, terminating, ready: publishAll || (serving && !terminating) };
    })
    .filter(({ ports }) => servicePorts.length === 0 || ports.length > 0)
    .sort((a, b) => (a.pod.metadata.name < b.pod.metadata.name ? -1 : 1));
}

function targetPortIn(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target === 0 ? port.port : target;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const { name, containerPort, protocol } of container.ports ?? []) {
      if (name === target && (protocol ?? "TCP") === (port.protocol ?? "TCP")) return containerPort;
    }
  }
  return /^\d+$/.test(target) ? Number(target) : undefined;
}

function endpointPort({ name, protocol, appProtocol }: ServicePort, port: number): EndpointPort {
  return { ...(name && { name }), port, protocol: protocol ?? "TCP", ...(appProtocol && { appProtocol }) };
}

/** The subsets of the Endpoints object. Pods that are being deleted are left out, unless all addresses are published. */
export function makeSubsets(service: Service, backends: readonly Backend[]): NonNullable<Endpoints["subsets"]> {
  const publishAll = service.spec?.publishNotReadyAddresses === true;
  const present = backends.filter(({ terminating }) => publishAll || !terminating);
  return byPorts(present).map(([ports, group]) => {
    const addresses = group.filter(({ ready }) => ready).map(({ pod }) => endpointAddress(service, pod));
    const notReady = group.filter(({ ready }) => !ready).map(({ pod }) => endpointAddress(service, pod));
    return {
      ...(addresses.length > 0 && { addresses }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ...(ports.length > 0 && { ports: [...ports] }),
    };
  });
}

/** What the EndpointSlices hold: backends of equal ports together, at most 100 each. */
export function makeSliceContents(
  service: Service,
  backends: readonly Backend[],
): Pick<EndpointSlice, "endpoints" | "ports">[] {
  return byPorts(backends).flatMap(([ports, group]) =>
    chunks(group, 100).map((part) => ({
      endpoints: part.map((backend) => endpoint(service, backend)),
      ports: [...ports],
    })),
  );
}

/** Groups what has equal ports, in order of first appearance. */
function byPorts(backends: readonly Backend[]): [readonly EndpointPort[], Backend[]][] {
  const groups = new Map<string, [readonly EndpointPort[], Backend[]]>();
  for (const backend of backends) {
    const id = JSON.stringify(backend.ports);
    const group = groups.get(id) ?? [backend.ports, []];
    group[1].push(backend);
    groups.set(id, group);
  }
  return [...groups.values()];
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function endpoint(service: Service, { pod, ready, serving, terminating }: Backend): Endpoint {
  return {
    addresses: [pod.status!.podIP!],
    conditions: { ready, serving, terminating },
    ...hostnameIn(service, pod),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: referenceTo(pod),
  };
}

function endpointAddress(service: Service, pod: Pod): EndpointAddress {
  return {
    ip: pod.status!.podIP!,
    ...hostnameIn(service, pod),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: referenceTo(pod),
  };
}

/** The DNS name of the pod, where the Service is the one that its subdomain names. */
function hostnameIn(service: Service, { spec, metadata }: Pod): { hostname?: string } {
  const named =
    spec.hostname && spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace;
  return named ? { hostname: spec.hostname! } : {};
}

function referenceTo({ metadata }: Pod) {
  return { kind: "Pod", namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid ?? "" };
}
