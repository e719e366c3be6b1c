import { randomUUID } from "node:crypto";
import type { KindInfo } from "../apis/kind.ts";
import { type KubeObject, keyOf } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { untilAborted } from "../lib/until-aborted.ts";
import type { ClusterAccess, ConfigStore, Informer, InformerSelection, Ownership } from "./api.ts";
import { serverBackoff } from "./backoff.ts";
import { isConflict, isUnreachable, PermanentError } from "./errors.ts";
import { createEventRecorder, type EventBudget } from "./events.ts";
import type { KubeMetrics } from "./metrics.ts";
import { createPass, type PassResult, type PassSpec } from "./pass.ts";
import { createWorkQueue } from "./workqueue.ts";

/** What a program gives to each of its controllers. */
export interface ControllerContext<Config> extends ClusterAccess {
  readonly config: ConfigStore<Config>;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: KubeMetrics;
  readonly eventBudget?: EventBudget;
  /** Ends the controller. */
  readonly signal: AbortSignal;
}

/** A controller of one kind. `name` is the queue's name in metrics and the source of its events. */
export interface ControllerSpec<T extends KubeObject, Deps, Config> extends PassSpec<T, Deps, Config> {
  readonly name: string;
  readonly selection?: InformerSelection;
  /** Passes at a time, over different keys; 8 unless told. */
  readonly concurrency?: number;
  /** Other objects whose changes concern keys of this kind; see `watching`. */
  readonly watches?: readonly Watch[];
}

/** A source of keys. */
export interface Watch {
  /** Calls `enqueue` for every key that a change concerns; returns the way to stop. */
  subscribe(enqueue: (key: string) => void): () => void;
}

export interface Controller {
  readonly name: string;
  /** Looks at a key again, now or later, though nothing changed in the cluster. */
  enqueue(key: string, delayMs?: number): void;
  /** Settles once the signal has aborted and the passes under way have ended. */
  readonly done: Promise<void>;
}

/** Every object is looked at again after so long, whatever happened. Source: knative.dev/pkg controller, default resync. */
const resyncMs = 10 * 3_600_000;

/** The keys that an object's changes concern; of an update, those of the old and of the new object. */
export function watching<T extends KubeObject>(
  informer: Pick<Informer<T>, "onChange">,
  keysOf: (object: T) => readonly string[],
): Watch {
  return {
    subscribe: (enqueue) =>
      informer.onChange((change) => {
        const keys = new Set(keysOf(change.object));
        if (change.type === "updated") for (const key of keysOf(change.old)) keys.add(key);
        for (const key of keys) enqueue(key);
      }),
  };
}

/** A `keysOf`: the key of the object's controller, where that is of this kind. */
export function ownedBy(kind: Pick<KindInfo, "group" | "kind">): (object: KubeObject) => readonly string[] {
  return ({ metadata }) => {
    const owner = metadata.ownerReferences?.find((reference) => reference.controller);
    if (!owner || owner.kind !== kind.kind) return [];
    const group = owner.apiVersion.includes("/") ? owner.apiVersion.split("/")[0] : "";
    return group === kind.group ? [keyOf({ metadata: { ...metadata, name: owner.name } })] : [];
  };
}

/**
 * Runs passes over the keys of a kind until the context's signal aborts: for every change of an object, of what its
 * watches tell, and over all keys when the configuration changes or keys become ours. Work starts once every informer
 * of the program is synced, so that no pass takes a cache that is not filled yet for an empty cluster.
 */
export function startController<T extends KubeObject, Deps, Config>(
  context: ControllerContext<Config>,
  spec: ControllerSpec<T, Deps, Config>,
): Controller {
  const { client, informers, clock, ownership, signal } = context;
  const log = context.log.child({ "knative.dev/controller": spec.name });
  const metrics = context.metrics?.controller(spec.name);
  const informer = informers.of(spec.kind, spec.selection);
  const recorder = createEventRecorder({
    client,
    component: spec.name,
    clock,
    log,
    signal,
    ...(context.eventBudget && { budget: context.eventBudget }),
  });
  const pass = createPass(spec, {
    client,
    lister: informer,
    config: () => context.config.current(),
    ownership,
    clock,
    log,
    recorderOf: recorder.of,
    mayDelayStatus: true,
    signal,
  });

  const work = async (key: string): Promise<void> => {
    const startedAt = clock.monotonic();
    const result = await pass(key).catch((error: unknown): PassResult => ({ type: "failed", error }));
    if (result.type === "skipped") {
      queue.forget(key);
      return;
    }
    const tookMs = clock.monotonic() - startedAt;
    metrics?.reconciled(key, result.type === "done", tookMs);
    const keyLog = log.child({ "knative.dev/key": key, "knative.dev/traceid": randomUUID() });
    if (result.type === "done") {
      keyLog.debug("Reconcile succeeded", { durationMs: tookMs });
      queue.forget(key);
      if (result.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
    } else if (signal.aborted) {
      keyLog.debug("Reconcile was cut short by the end of the program");
    } else if (result.error instanceof PermanentError) {
      keyLog.error("Reconcile failed for good", { durationMs: tookMs, error: result.error });
      queue.forget(key);
    } else {
      const level = isConflict(result.error) ? "debug" : "error";
      keyLog[level]("Reconcile failed; it will be tried again", { durationMs: tookMs, error: result.error });
      // A key that failed for the connection alone has no trouble of its own.
      queue.retry(key, isUnreachable(result.error) ? serverBackoff.maxMs : undefined);
    }
  };
  const queue = createWorkQueue({
    clock,
    concurrency: spec.concurrency ?? 8,
    work,
    ...(metrics && { observe: metrics }),
  });

  const enqueueAll = () => {
    for (const object of informer.list()) queue.add(keyOf(object), "slow");
  };

  const run = async (): Promise<void> => {
    const stopped = untilAborted(signal);
    await Promise.race([stopped, Promise.all([informers.synced(), context.config.synced])]).catch((error) => {
      if (!signal.aborted) throw error;
    });
    let stops: (() => void)[] = [];
    if (!signal.aborted) {
      log.info("Starting controller and workers");
      let cancelResync = () => {};
      const resync = () => {
        cancelResync = clock.setTimer(resyncMs, () => {
          enqueueAll();
          resync();
        });
      };
      resync();
      stops = [
        informer.onChange(({ object }) => queue.add(keyOf(object))),
        ...(spec.watches ?? []).map((watch) => watch.subscribe((key) => queue.add(key))),
        context.config.onChange(enqueueAll),
        ownership.onGained(enqueueAll),
        () => cancelResync(),
      ];
      await stopped;
    }
    for (const stop of stops) stop();
    await queue.close();
    await recorder.done;
  };

  return {
    name: spec.name,
    enqueue: (key, delayMs = 0) => queue.addAfter(key, delayMs),
    done: run(),
  };
}
