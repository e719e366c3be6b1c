import type { CancelTimer, Clock } from "../lib/clock.ts";
import { type Backoff, backoffMs } from "./backoff.ts";

/** Fast is for changes, slow for what may wait, such as looking at everything again. */
export type Lane = "fast" | "slow";

/** Works off keys: each at most once at a time, and once more when it was added meanwhile. */
export interface WorkQueue {
  add(key: string, lane?: Lane): void;
  /** Adds the key after so long, or at the time it is already due if that is sooner. */
  addAfter(key: string, delayMs: number): void;
  /** Adds the key after its back-off, which doubles with each call until `forget`, but after `longestMs` at the latest. */
  retry(key: string, longestMs?: number): void;
  /** The key succeeded: its back-off starts anew. */
  forget(key: string): void;
  /** Keys waiting, without those under way and those not yet due. */
  depth(): number;
  /** Takes no more keys, drops those waiting, and resolves once the work under way has ended. */
  close(): Promise<void>;
}

export interface WorkQueueConfig {
  readonly clock: Clock;
  readonly concurrency: number;
  /** Must not reject. */
  readonly work: (key: string) => Promise<void>;
  /** 5 ms to 5 min unless told. */
  readonly backoff?: Backoff;
  readonly random?: () => number;
  readonly observe?: QueueObserver;
}

/** Hears of what a queue does, for metrics. */
export interface QueueObserver {
  added(depth: number): void;
  retried(): void;
  started(key: string, waitedMs: number, depth: number): void;
  finished(key: string, tookMs: number): void;
}

/** Every so many keys one is taken from the slow lane although the fast one has some. */
const slowShare = 5;

/** Creates a queue that starts working with the first key. */
export function createWorkQueue(config: WorkQueueConfig): WorkQueue {
  const { clock, concurrency, work, observe, random, backoff = { baseMs: 5, maxMs: 300_000 } } = config;
  const lanes: Readonly<Record<Lane, Map<string, number>>> = { fast: new Map(), slow: new Map() };
  const running = new Map<string, Promise<void>>();
  /** Added while running. */
  const again = new Map<string, Lane>();
  const later = new Map<string, { dueAt: number; cancel: CancelTimer }>();
  const failures = new Map<string, number>();
  let taken = 0;
  let scheduled = false;
  let closed = false;

  const depth = () => lanes.fast.size + lanes.slow.size;

  const add = (key: string, lane: Lane = "fast") => {
    if (closed) return;
    if (running.has(key)) {
      if (again.get(key) !== "fast") again.set(key, lane);
      return;
    }
    if (lanes.fast.has(key)) return;
    const waitingSince = lanes.slow.get(key);
    if (waitingSince !== undefined && lane === "slow") return;
    lanes.slow.delete(key);
    lanes[lane].set(key, waitingSince ?? clock.monotonic());
    if (waitingSince === undefined) observe?.added(depth());
    schedule();
  };

  // One turn of the event loop for each round, so that work which never waits cannot starve sockets and timers.
  const schedule = () => {
    if (scheduled || closed || depth() === 0 || running.size >= concurrency) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      for (let free = concurrency - running.size; free > 0 && depth() > 0 && !closed; free--) startNext();
    });
  };

  const startNext = () => {
    taken += 1;
    const preferSlow = lanes.fast.size === 0 || (taken % slowShare === 0 && lanes.slow.size > 0);
    const lane = preferSlow ? lanes.slow : lanes.fast;
    const [key, since] = lane.entries().next().value!;
    lane.delete(key);
    const startedAt = clock.monotonic();
    observe?.started(key, startedAt - since, depth());
    const ended = work(key).then(() => {
      running.delete(key);
      observe?.finished(key, clock.monotonic() - startedAt);
      const lane = again.get(key);
      again.delete(key);
      if (lane) add(key, lane);
      schedule();
    });
    running.set(key, ended);
  };

  const addAfter = (key: string, delayMs: number) => {
    if (closed) return;
    if (delayMs <= 0) {
      add(key);
      return;
    }
    const dueAt = clock.monotonic() + delayMs;
    const earlier = later.get(key);
    if (earlier && earlier.dueAt <= dueAt) return;
    earlier?.cancel();
    const cancel = clock.setTimer(delayMs, () => {
      later.delete(key);
      add(key);
    });
    later.set(key, { dueAt, cancel });
  };

  return {
    add,
    addAfter,
    retry(key, longestMs = Number.POSITIVE_INFINITY) {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      observe?.retried();
      addAfter(key, Math.min(backoffMs(backoff, count, random), longestMs));
    },
    forget: (key) => failures.delete(key),
    depth,
    async close() {
      closed = true;
      for (const { cancel } of later.values()) cancel();
      later.clear();
      lanes.fast.clear();
      lanes.slow.clear();
      await Promise.all(running.values());
    },
  };
}
