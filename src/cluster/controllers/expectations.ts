import type { KubeObject } from "../../apis/meta.ts";
import { keyOf } from "../../apis/meta.ts";
import type { Informer } from "../../kube/api.ts";
import type { Clock } from "../../lib/clock.ts";

/** An event that has not come after so long never will: the object came and went while the watch was broken. */
const expiryMs = 60_000;

/** What an owner has written and the cache has not shown yet. */
export interface Expectations {
  /** Whether the cache is up to date with all that was written for this owner, as far as we know. */
  met(owner: string): boolean;
  /** Call it before creating the object `key` ("namespace/name"). */
  expectCreation(owner: string, key: string): void;
  /** Call it before deleting the object with this uid. */
  expectDeletion(owner: string, uid: string): void;
  /** The write failed: nothing is to be expected of it. */
  cancel(owner: string, keyOrUid: string): void;
}

/**
 * Keeps a controller from counting by a cache that lags behind its own writes: a pass over an owner with unmet
 * expectations must not create or delete. Names are chosen before creating, so no event can be missed. A deletion is
 * met as soon as the object is seen to be on its way out. Source of the idea: client-go's ControllerExpectations.
 */
export function createExpectations<T extends KubeObject>(
  informer: Pick<Informer<T>, "onChange">,
  clock: Pick<Clock, "monotonic">,
): Expectations {
  const pending = new Map<string, Map<string, Write>>();

  const settle = (id: string, what: Write["what"]) => {
    for (const [owner, writes] of pending) {
      if (writes.get(id)?.what === what) writes.delete(id);
      if (writes.size === 0) pending.delete(owner);
    }
  };
  informer.onChange(({ type, object }) => {
    if (pending.size === 0) return;
    settle(keyOf(object), "creation");
    if (type === "deleted" || object.metadata.deletionTimestamp) settle(object.metadata.uid ?? "", "deletion");
  });
  const expect = (owner: string, id: string, what: Write["what"]) => {
    const writes = pending.get(owner) ?? new Map<string, Write>();
    pending.set(owner, writes.set(id, { what, atMs: clock.monotonic() }));
  };

  return {
    met(owner) {
      const expired = clock.monotonic() - expiryMs;
      return [...(pending.get(owner)?.values() ?? [])].every(({ atMs }) => atMs < expired);
    },
    expectCreation: (owner, key) => expect(owner, key, "creation"),
    expectDeletion: (owner, uid) => expect(owner, uid, "deletion"),
    cancel(owner, id) {
      const writes = pending.get(owner);
      writes?.delete(id);
      if (writes?.size === 0) pending.delete(owner);
    },
  };
}

interface Write {
  readonly what: "creation" | "deletion";
  readonly atMs: number;
}
