import { conditionOf } from "../apis/conditions.ts";
import { isPodReady, Pod } from "../apis/core/pod.ts";
import { serviceLabel } from "../apis/serving/labels.ts";
import { KnativeService } from "../apis/serving/service.ts";
import type { Client } from "../kube/api.ts";
import type { ServiceStatus } from "./actions.ts";

/** The state of every Knative Service of the cluster, by namespace and name. `gatewayUrl` says which port URLs need. */
export async function readServices(client: Client, gatewayUrl: string): Promise<ServiceStatus[]> {
  const [services, pods] = await Promise.all([
    client.of(KnativeService).list(),
    client.of(Pod).list({ labelSelector: serviceLabel }),
  ]);
  return services.items.map((service) => {
    const { namespace = "", name } = service.metadata;
    const ready = conditionOf(service, "Ready");
    const running = pods.items.filter(
      (pod) => pod.metadata.namespace === namespace && pod.metadata.labels?.[serviceLabel] === name && isPodReady(pod),
    );
    return {
      namespace,
      name,
      ready: isCurrent(service) ? (ready?.status ?? "Unknown") : "Unknown",
      ...(ready?.reason && { reason: ready.reason }),
      ...(ready?.message && { message: ready.message }),
      ...(service.status?.url && { url: reachableUrl(service.status.url, gatewayUrl) }),
      ...(service.status?.latestReadyRevisionName && { revision: service.status.latestReadyRevisionName }),
      pods: running.length,
    };
  });
}

/** Whether the status speaks of the present spec. */
export function isCurrent(service: KnativeService): boolean {
  return service.status?.observedGeneration === service.metadata.generation;
}

/** A Service's URL with the port that the gateway has on this machine. */
export function reachableUrl(url: string, gatewayUrl: string): string {
  const { port } = new URL(gatewayUrl);
  if (port === "") return url;
  const parsed = new URL(url);
  parsed.port = port;
  return parsed.toString().replace(/\/$/, "");
}
