import { EndpointSlice, serviceNameLabel } from "../../../apis/core/endpointslice.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import type { Client, Lister } from "../../../kube/api.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../../kube/errors.ts";
import { semanticEqual } from "../../../kube/semantic.ts";
import { templateHash } from "../template-hash.ts";

export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
/** Whose slices are whose: those of a selector's pods, and those that mirror hand-made Endpoints. */
export const sliceManager = {
  ofPods: "endpointslice-controller.k8s.io",
  ofMirrors: "endpointslicemirroring-controller.k8s.io",
} as const;

/** The slices that one manager keeps for one Service. */
export interface SliceSet {
  readonly serviceName: string;
  readonly namespace: string;
  readonly managedBy: string;
  /** Labels beside those that name the Service and the manager. */
  readonly labels: Readonly<Record<string, string>>;
  readonly ownerReferences: NonNullable<KubeObject["metadata"]["ownerReferences"]>;
  readonly contents: readonly Pick<EndpointSlice, "addressType" | "endpoints" | "ports">[];
}

/** Makes, changes and deletes slices until they hold what they should. Names follow from ports, so repeats are harmless. */
export async function syncSlices(
  wanted: SliceSet,
  client: Client,
  slices: Lister<EndpointSlice>,
  signal: AbortSignal,
): Promise<void> {
  const resource = client.of(EndpointSlice);
  const { namespace, serviceName, managedBy } = wanted;
  const identity = { [serviceNameLabel]: serviceName, [managedByLabel]: managedBy };
  const present = new Map(slices.list({ namespace, labels: identity }).map((slice) => [slice.metadata.name, slice]));
  const labels = { ...wanted.labels, ...identity };
  const taken = new Map<string, number>();

  for (const content of wanted.contents) {
    const ports = JSON.stringify([content.addressType, content.ports]);
    const index = taken.get(ports) ?? 0;
    taken.set(ports, index + 1);
    const name = `${serviceName.slice(0, 240)}-${templateHash([managedBy, ports, index]).slice(-5)}`;
    const metadata = { name, namespace, labels, ownerReferences: wanted.ownerReferences };
    const stored = present.get(name);
    present.delete(name);
    if (!stored) {
      const slice = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, ...content };
      await resource.create(slice, { signal }).catch((error) => {
        // The cache lags behind: its next event brings us back.
        if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
      });
      continue;
    }
    const same =
      semanticEqual(stored.endpoints, content.endpoints) &&
      semanticEqual(stored.ports, content.ports) &&
      semanticEqual(stored.metadata.labels, labels) &&
      semanticEqual(stored.metadata.ownerReferences, wanted.ownerReferences);
    if (same) continue;
    const { resourceVersion = "", uid = "", annotations } = stored.metadata;
    const kept = { ...metadata, resourceVersion, uid, ...(annotations && { annotations }) };
    await resource.update({ ...stored, metadata: kept, ...content }, { signal });
  }
  for (const { metadata } of present.values()) {
    const preconditions = { uid: metadata.uid ?? "" };
    await resource.delete({ name: metadata.name, namespace }, { preconditions, signal }).catch((error) => {
      if (!isNotFound(error)) throw error;
    });
  }
}
