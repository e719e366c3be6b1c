import type { Watch } from "../../kube/controller.ts";
import { isConflict } from "../../kube/errors.ts";
import { createWorkQueue } from "../../kube/workqueue.ts";
import { untilAborted } from "../../lib/until-aborted.ts";
import type { BuiltinContext } from "./context.ts";

export interface KeyedWorker {
  enqueue(key: string, delayMs?: number): void;
  /** Settles once the signal has aborted and the work under way has ended. */
  readonly done: Promise<void>;
}

/**
 * Works off keys that need not name a present object: where `startController` skips what is gone, `work` hears of it.
 * Failures are logged and tried again with back-off. Starts once all informers are synced.
 */
export function startKeyedWorker(
  context: BuiltinContext,
  name: string,
  watches: readonly Watch[],
  work: (key: string) => Promise<void>,
): KeyedWorker {
  const { clock, signal, informers } = context;
  const log = context.log.child({ "knative.dev/controller": name });
  const queue = createWorkQueue({
    clock,
    concurrency: 8,
    async work(key) {
      try {
        await work(key);
        queue.forget(key);
      } catch (error) {
        if (signal.aborted) return;
        log[isConflict(error) ? "debug" : "warn"]("failed; it will be tried again", { "knative.dev/key": key, error });
        queue.retry(key);
      }
    },
  });
  const run = async (): Promise<void> => {
    const stopped = untilAborted(signal);
    await Promise.race([stopped, informers.synced()]).catch((error) => {
      if (!signal.aborted) throw error;
    });
    const stops = signal.aborted ? [] : watches.map((watch) => watch.subscribe((key) => queue.add(key)));
    await stopped;
    for (const stop of stops) stop();
    await queue.close();
  };
  return { enqueue: (key, delayMs = 0) => queue.addAfter(key, delayMs), done: run() };
}
