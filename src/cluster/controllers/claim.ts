import { controllerOf, controllerReference, type KubeObject } from "../../apis/meta.ts";
import type { Writer } from "../../kube/api.ts";
import { isConflict, isInvalid, isNotFound } from "../../kube/errors.ts";

/**
 * The candidates that belong to `owner`. Those that match and have no controller are adopted; those that it controls
 * but that match no longer are released. Adoption stops while the owner is being deleted.
 * Source: k8s.io/kubernetes v1.34 controller_ref_manager.
 */
export async function claim<T extends KubeObject>(
  owner: KubeObject,
  candidates: readonly T[],
  matches: (candidate: T) => boolean,
  resource: Writer<T>,
  signal: AbortSignal,
): Promise<T[]> {
  const claimed: T[] = [];
  for (const candidate of candidates) {
    const controller = controllerOf(candidate);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches(candidate)) claimed.push(candidate);
      else if (!owner.metadata.deletionTimestamp) {
        const references = candidate.metadata.ownerReferences!.filter(({ uid }) => uid !== owner.metadata.uid);
        await setOwners(candidate, references, resource, signal);
      }
    } else if (matches(candidate) && !owner.metadata.deletionTimestamp && !candidate.metadata.deletionTimestamp) {
      const references = [...(candidate.metadata.ownerReferences ?? []), controllerReference(owner)];
      const adopted = await setOwners(candidate, references, resource, signal);
      if (adopted) claimed.push(adopted);
    }
  }
  return claimed;
}

async function setOwners<T extends KubeObject>(
  object: T,
  ownerReferences: NonNullable<T["metadata"]["ownerReferences"]>,
  resource: Writer<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const { resourceVersion, uid, name, namespace } = object.metadata;
  const body = { metadata: { ownerReferences, resourceVersion, uid } };
  try {
    return await resource.patch({ name, ...(namespace && { namespace }) }, { type: "merge", body }, { signal });
  } catch (error) {
    if (isNotFound(error) || isInvalid(error) || isConflict(error)) return undefined;
    throw error;
  }
}
