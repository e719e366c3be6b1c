import type { EndpointAddress, Endpoints } from "../../../apis/core/endpoints.ts";
import type { Endpoint, EndpointSlice } from "../../../apis/core/endpointslice.ts";
import { controllerReference, splitKey } from "../../../apis/meta.ts";
import { chunks } from "./backends.ts";
import { type EndpointsDeps, hasSelector } from "./reconcile.ts";
import { sliceManager, syncSlices } from "./slices.ts";

const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";

/**
 * Mirrors the hand-made Endpoints of a Service without selector into EndpointSlices.
 * Source: k8s.io/kubernetes v1.34 endpointslicemirroring.
 */
export async function reconcileMirror(key: string, deps: EndpointsDeps, signal: AbortSignal): Promise<void> {
  const { name, namespace = "" } = splitKey(key);
  const endpoints = deps.endpoints.get({ name, namespace });
  const service = deps.services.get({ name, namespace });
  const mirrored =
    endpoints !== undefined &&
    service !== undefined &&
    !hasSelector(service) &&
    endpoints.metadata.labels?.[skipLabel] !== "true" &&
    endpoints.metadata.annotations?.[leaderAnnotation] === undefined;
  const wanted = {
    serviceName: name,
    namespace,
    managedBy: sliceManager.ofMirrors,
    labels: endpoints?.metadata.labels ?? {},
    ownerReferences: endpoints ? [controllerReference({ ...endpoints, apiVersion: "v1", kind: "Endpoints" })] : [],
    contents: mirrored ? mirrorOf(endpoints) : [],
  };
  await syncSlices(wanted, deps.client, deps.slices, signal);
}

/** The contents of the slices that say what the Endpoints say. */
export function mirrorOf(endpoints: Endpoints): Pick<EndpointSlice, "addressType" | "endpoints" | "ports">[] {
  return (endpoints.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
    const all = [
      ...addresses.map((address) => mirrored(address, true)),
      ...notReadyAddresses.map((address) => mirrored(address, false)),
    ];
    return ["IPv4", "IPv6"].flatMap((addressType) => {
      const family = all.filter(({ addresses: [ip = ""] }) => ip.includes(":") === (addressType === "IPv6"));
      return chunks(family, 1000).map((part) => ({
        addressType,
        endpoints: part,
        ports: ports.map((port) => ({ name: "", protocol: "TCP", ...port })),
      }));
    });
  });
}

function mirrored({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  };
}
