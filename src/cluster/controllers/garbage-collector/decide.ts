import type { KubeObject, OwnerReference } from "../../../apis/meta.ts";

/** What is known of an object that others belong to: it is there, it waits for its dependents, or it is gone. */
export type OwnerState = "solid" | "waiting" | "gone";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

export type Verdict =
  | { readonly type: "keep" }
  /** Its references change: it loses those that hold it no longer, or they block no more. */
  | { readonly type: "release"; readonly ownerReferences: readonly OwnerReference[] }
  | { readonly type: "delete"; readonly policy: "Foreground" | "Background" | "Orphan" };

/**
 * What becomes of an object, given the states of its owners and of those that belong to it.
 * Source: k8s.io/kubernetes v1.34 garbagecollector attemptToDeleteItem.
 */
export function judge(
  object: KubeObject,
  stateOf: (owner: OwnerReference) => OwnerState,
  dependents: readonly OwnerState[],
): Verdict {
  const owners = object.metadata.ownerReferences ?? [];
  const states = owners.map(stateOf);
  const waiting = states.includes("waiting");
  if (owners.length === 0 || states.every((state) => state === "solid")) return { type: "keep" };
  if (states.includes("solid")) {
    return { type: "release", ownerReferences: owners.filter((_, index) => states[index] === "solid") };
  }
  const finalizers = object.metadata.finalizers ?? [];
  if (waiting && dependents.length > 0) {
    // Its owner waits for it, and it would wait for one that waits: perhaps for its owner.
    const isInCircle = dependents.includes("waiting") && owners.some(({ blockOwnerDeletion }) => blockOwnerDeletion);
    if (!isInCircle) return { type: "delete", policy: "Foreground" };
    return { type: "release", ownerReferences: owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })) };
  }
  if (finalizers.includes(orphanFinalizer)) return { type: "delete", policy: "Orphan" };
  return { type: "delete", policy: finalizers.includes(foregroundFinalizer) ? "Foreground" : "Background" };
}

/** The state of an owner that is there. */
export function stateOfPresent(owner: KubeObject): OwnerState {
  const leaving = owner.metadata.deletionTimestamp !== undefined;
  return leaving && (owner.metadata.finalizers ?? []).includes(foregroundFinalizer) ? "waiting" : "solid";
}

/** Whether the owner's foreground deletion waits for this dependent. */
export function blocks(dependent: KubeObject, ownerUid: string): boolean {
  return (dependent.metadata.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true,
  );
}
