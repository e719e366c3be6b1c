import { Endpoints } from "../../../apis/core/endpoints.ts";
import type { EndpointSlice } from "../../../apis/core/endpointslice.ts";
import type { Pod } from "../../../apis/core/pod.ts";
import type { Service } from "../../../apis/core/service.ts";
import { controllerReference, splitKey } from "../../../apis/meta.ts";
import type { Client, Lister } from "../../../kube/api.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../../kube/errors.ts";
import { semanticEqual } from "../../../kube/semantic.ts";
import { backendsOf, makeSliceContents, makeSubsets } from "./backends.ts";
import { sliceManager, syncSlices } from "./slices.ts";

export interface EndpointsDeps {
  readonly client: Client;
  readonly services: Lister<Service>;
  readonly pods: Lister<Pod>;
  readonly endpoints: Lister<Endpoints>;
  readonly slices: Lister<EndpointSlice>;
}

const headlessLabel = "service.kubernetes.io/headless";
const managedByUs = { "endpoints.kubernetes.io/managed-by": "endpoint-controller" };

/** Whether the Endpoints of this Service are ours to keep; without a selector they are somebody else's. */
export function hasSelector(service: Service | undefined): service is Service {
  const { selector, type } = service?.spec ?? {};
  return type !== "ExternalName" && selector !== undefined && Object.keys(selector).length > 0;
}

/** Keeps Endpoints and EndpointSlices of the Service with this key equal to its pods. */
export async function reconcileEndpoints(key: string, deps: EndpointsDeps, signal: AbortSignal): Promise<void> {
  const ref = splitKey(key);
  const service = deps.services.get(ref);
  if (!service) {
    // Slices have the Service as their owner; Endpoints have none, so they go here, whoever made them.
    if (deps.endpoints.get(ref)) await deleteEndpoints(ref, deps, signal);
    return;
  }
  if (!hasSelector(service) || service.metadata.deletionTimestamp) return;
  const namespace = service.metadata.namespace ?? "";
  const pods = deps.pods.list({ namespace, labels: service.spec?.selector ?? {} });
  const backends = backendsOf(service, pods);
  const headless: Record<string, string> = service.spec?.clusterIP === "None" ? { [headlessLabel]: "" } : {};
  const labels = { ...service.metadata.labels, ...headless };

  await Promise.all([
    writeEndpoints(service, { ...labels, ...managedByUs }, makeSubsets(service, backends), deps, signal),
    syncSlices(
      {
        serviceName: service.metadata.name,
        namespace,
        managedBy: sliceManager.ofPods,
        labels,
        ownerReferences: [controllerReference(service)],
        contents: contentsOrPlaceholder(service, backends),
      },
      deps.client,
      deps.slices,
      signal,
    ),
  ]);
}

/** A Service without pods has one slice without endpoints, which tells that it was looked at. */
function contentsOrPlaceholder(service: Service, backends: ReturnType<typeof backendsOf>) {
  const contents = makeSliceContents(service, backends);
  return (contents.length > 0 ? contents : [{ endpoints: [], ports: [] }]).map((content) => ({
    addressType: "IPv4",
    ...content,
  }));
}

async function writeEndpoints(
  service: Service,
  labels: Record<string, string>,
  subsets: NonNullable<Endpoints["subsets"]>,
  deps: EndpointsDeps,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = "" } = service.metadata;
  const resource = deps.client.of(Endpoints);
  const stored = deps.endpoints.get({ name, namespace });
  const wanted: Endpoints = { apiVersion: "v1", kind: "Endpoints", metadata: { name, namespace, labels }, subsets };
  if (!stored) {
    await resource.create(wanted, { signal }).catch((error) => {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    });
    return;
  }
  if (semanticEqual(stored.subsets, subsets) && semanticEqual(stored.metadata.labels, labels)) return;
  await resource.update({ ...wanted, metadata: { ...stored.metadata, labels } }, { signal });
}

async function deleteEndpoints(
  ref: { name: string; namespace?: string },
  deps: EndpointsDeps,
  signal: AbortSignal,
): Promise<void> {
  await deps.client
    .of(Endpoints)
    .delete(ref, { signal })
    .catch((error) => {
      if (!isNotFound(error)) throw error;
    });
}
