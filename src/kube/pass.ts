import type { Kind } from "../apis/kind.ts";
import { type KubeObject, keyOf, splitKey } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type {
  Client,
  ClusterAccess,
  EventRecorder,
  Lister,
  Ownership,
  Pass,
  Patch,
  Reconcile,
  StatusOf,
} from "./api.ts";
import { isConflict, isNotFound, reasonFor } from "./errors.ts";
import { changedStatus } from "./status.ts";

/** What is particular to one kind of pass. */
export interface PassSpec<T extends KubeObject, Deps, Config> {
  readonly kind: Kind<T>;
  /** Objects that it refuses are left alone. */
  readonly filter?: (object: T) => boolean;
  readonly deps: Deps;
  readonly reconcile: Reconcile<T, Deps, Config>;
  readonly finalizer?: Finalizer<T, Deps, Config>;
  /** Whether a failed pass makes an Event (Warning InternalError), as of Knative's controllers; unless told it does. */
  readonly tellsFailures?: boolean;
}

/** A kind's reconciler as its room exports it, for whoever runs passes of it: a controller, a test, `answer`. */
export interface Reconciler<T extends KubeObject, Deps, Config> extends Omit<PassSpec<T, Deps, Config>, "deps"> {
  readonly deps: (access: ClusterAccess) => Deps;
}

/** Holds back the deletion of an object until `finalize` has succeeded. */
export interface Finalizer<T extends KubeObject, Deps, Config> {
  /** The entry of `metadata.finalizers`, such as "routes.serving.knative.dev". */
  readonly name: string;
  /** Whether deletion has to be held back at all; always unless told. */
  readonly isNeeded?: (object: T) => boolean;
  readonly finalize: (object: T, deps: Deps, pass: Pass<Config>) => Promise<void>;
}

/** What every pass of a controller needs beside its spec. */
export interface PassContext<T extends KubeObject, Config> {
  readonly client: Client;
  readonly lister: Pick<Lister<T>, "get">;
  readonly config: () => Config;
  readonly ownership: Pick<Ownership, "owns">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorderOf: (object: T) => EventRecorder;
  /** Whether `statusMayWaitMs` of an outcome is heeded: whoever runs single passes wants to see the status at once. */
  readonly mayDelayStatus?: boolean;
  readonly signal: AbortSignal;
}

export type PassResult =
  | { readonly type: "done"; readonly requeueAfterMs?: number }
  | { readonly type: "skipped" }
  | { readonly type: "failed"; readonly error: unknown };

/** How long a pass may take before its signal aborts. */
const passDeadlineMs = 30_000;

/** So long a key goes at most without the status that its passes want, however often that changes. */
const longestWaitMs = 10_000;

/** So many keys may have a status waiting before all wait longer, in proportion, up to so much. */
const fewWaiting = 25;
const mostStretch = 4;

interface WaitingStatus {
  readonly status: unknown;
  /** From when on passes have wanted this status, and from when on any. */
  readonly since: number;
  readonly firstSince: number;
}

/**
 * Returns the function that runs one pass over one key: reads the object, adds or removes the finalizer, reconciles,
 * and writes the status if it changed. A lost race (conflict) is a failure without an event. It rejects only when the
 * filter throws.
 */
export function createPass<T extends KubeObject, Deps, Config>(
  spec: PassSpec<T, Deps, Config>,
  context: PassContext<T, Config>,
): (key: string) => Promise<PassResult> {
  const { kind, deps, finalizer } = spec;
  const { client, lister, clock, ownership } = context;
  const resource = client.of(kind);
  const kindName = kind.group === "" ? kind.kind : `${kind.group}.${kind.kind}`;
  const waiting = new Map<string, WaitingStatus>();

  const setFinalizers = async (object: T, finalizers: readonly string[], pass: Pass<Config>): Promise<T> => {
    const { name, resourceVersion } = object.metadata;
    const patch: Patch = { type: "merge", body: { metadata: { finalizers, resourceVersion } } };
    try {
      const updated = await resource.patch(refOf(object), patch, { signal: pass.signal });
      pass.events.normal("FinalizerUpdate", `Updated "${name}" finalizers`);
      return updated;
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) {
        pass.events.warning("FinalizerUpdateFailed", `Failed to update finalizers for "${name}": ${reasonFor(error)}`);
      }
      throw error;
    }
  };

  const writeStatus = async (object: T, status: StatusOf<T>, pass: Pass<Config>): Promise<void> => {
    if (!ownership.owns(keyOf(object))) {
      pass.log.warn("the status changed, but this key is no longer ours to write");
      return;
    }
    try {
      await resource.updateStatus({ ...object, status } as T, { signal: pass.signal });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) {
        const name = object.metadata.name;
        pass.events.warning("UpdateFailed", `Failed to update status for "${name}": ${reasonFor(error)}`);
      }
      throw error;
    }
  };

  /**
   * How much longer the status may wait: one that says something new waits anew, but not for ever. Many on the way at the
   * same time keep the API server busy, so that each of their states lasts longer.
   */
  const waitOf = (key: string, status: StatusOf<T>, mayWaitMs: number): number => {
    const now = clock.monotonic();
    const before = waiting.get(key);
    const firstSince = before?.firstSince ?? now;
    const since = before && changedStatus(before.status, status) === undefined ? before.since : now;
    waiting.set(key, { status, since, firstSince });
    const stretch = Math.min(Math.max(1, waiting.size / fewWaiting), mostStretch);
    return Math.min(since + mayWaitMs * stretch, firstSince + longestWaitMs * stretch) - now;
  };

  const finalize = async (object: T, pass: Pass<Config>): Promise<PassResult> => {
    const present = object.metadata.finalizers ?? [];
    if (!finalizer || !present.includes(finalizer.name)) return { type: "done" };
    await finalizer.finalize(object, deps, pass);
    const left = present.filter((name) => name !== finalizer.name);
    await setFinalizers(object, left, pass).catch((error) => {
      if (!isNotFound(error)) throw error;
    });
    return { type: "done" };
  };

  const reconcile = async (original: T, pass: Pass<Config>): Promise<PassResult> => {
    const present = original.metadata.finalizers ?? [];
    const object =
      finalizer && !present.includes(finalizer.name) && finalizer.isNeeded?.(original) !== false
        ? await setFinalizers(original, [...present, finalizer.name], pass)
        : original;
    const {
      status,
      statusMayWaitMs = 0,
      error,
      requeueAfterMs = Number.POSITIVE_INFINITY,
    } = await spec.reconcile(object, deps, pass);
    const stored = (object as { status?: StatusOf<T> }).status;
    const changed = status && changedStatus(stored, status);
    const key = keyOf(object);
    if (changed && context.mayDelayStatus && statusMayWaitMs > 0 && error === undefined) {
      const waitMs = waitOf(key, changed, statusMayWaitMs);
      if (waitMs > 0) return { type: "done", requeueAfterMs: Math.min(waitMs, requeueAfterMs) };
    }
    waiting.delete(key);
    if (changed) await writeStatus(object, changed, pass);
    if (error !== undefined) throw error;
    return { type: "done", ...(Number.isFinite(requeueAfterMs) && { requeueAfterMs }) };
  };

  return async (key) => {
    if (!ownership.owns(key)) {
      waiting.delete(key);
      return { type: "skipped" };
    }
    const object = lister.get(splitKey(key));
    if (!object || spec.filter?.(object) === false) {
      waiting.delete(key);
      return { type: "skipped" };
    }

    const deadline = new AbortController();
    const cancelTimer = clock.setTimer(passDeadlineMs, () =>
      deadline.abort(new Error(`the pass took longer than ${passDeadlineMs / 1000} s`)),
    );
    const pass: Pass<Config> = {
      config: context.config(),
      clock,
      log: context.log.child({ "knative.dev/kind": kindName, "knative.dev/key": key }),
      events: context.recorderOf(object),
      signal: AbortSignal.any([context.signal, deadline.signal]),
    };
    try {
      return object.metadata.deletionTimestamp ? await finalize(object, pass) : await reconcile(object, pass);
    } catch (error) {
      const tells = spec.tellsFailures !== false && !isConflict(error) && !context.signal.aborted;
      if (tells) pass.events.warning("InternalError", reasonFor(error));
      return { type: "failed", error };
    } finally {
      cancelTimer();
    }
  };
}

function refOf(object: KubeObject): { name: string; namespace?: string } {
  const { name, namespace } = object.metadata;
  return namespace ? { name, namespace } : { name };
}
