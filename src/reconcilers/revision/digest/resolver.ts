import type { CancelTimer, Clock } from "../../../lib/clock.ts";
import { formatDuration } from "../../../lib/duration.ts";
import type { Logger } from "../../../lib/log.ts";

/** What came of one image. */
export interface ResolvedImage {
  /** The name with the digest; "" where the tag itself is to be used. */
  readonly pinned: string;
  /** Why it is not pinned, where it should have been. */
  readonly warning?: string;
}

/** The images of one revision, and how to look them up. */
export interface DigestRequest {
  /** "namespace/name" of the revision. */
  readonly key: string;
  readonly images: readonly string[];
  /** How long one look-up of one image may take. */
  readonly timeoutMs: number;
  readonly resolve: (image: string, signal: AbortSignal) => Promise<ResolvedImage>;
}

/** What is known of a revision's images. A failed look-up is tried again by itself; the last failure stays until then. */
export type DigestState =
  | { readonly is: "pending" }
  | { readonly is: "resolved"; readonly images: ReadonlyMap<string, ResolvedImage> }
  | { readonly is: "failed"; readonly image: string; readonly error: Error };

/** Looks images up in the background: a reconciler asks, goes on, and is called again when there is an answer. */
export interface DigestResolver {
  /** The present state; the first call for a key starts the look-ups. */
  stateOf(request: DigestRequest): DigestState;
  /** Settles when the state of a key that is pending has changed, or after so long. */
  settled(key: string, withinMs: number): Promise<void>;
  /** Drops what is known of a key and stops looking. */
  forget(key: string): void;
  /** Calls back with the key of each revision whose state changed. */
  onResult(handler: (key: string) => void): void;
  close(): void;
}

export interface DigestResolverDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** How many look-ups may be under way at once; 100 unless told. */
  readonly maxInFlight?: number;
}

interface Entry {
  readonly request: DigestRequest;
  readonly wanted: ReadonlySet<string>;
  readonly images: Map<string, ResolvedImage>;
  readonly failures: Map<string, { count: number; error: Error }>;
  readonly stop: AbortController;
  readonly timers: Set<CancelTimer>;
  readonly waiters: Set<() => void>;
}

/** How long whoever failed wants to be left alone. */
function retryAfterMs(error: Error & { readonly retryAfterMs?: unknown }): number {
  return typeof error.retryAfterMs === "number" ? error.retryAfterMs : 0;
}

const firstDelayMs = 1000;
const longestDelayMs = 1_000_000;

/**
 * A resolver with a bounded number of look-ups under way; a failed image is tried again after 1 s, 2 s, 4 s … up to
 * 1000 s, each image on its own; later, where the registry says when (`retryAfterMs` of the Error). Source: serving v0.42.2 pkg/reconciler/revision background.go.
 */
export function createDigestResolver(deps: DigestResolverDeps): DigestResolver {
  const { clock, log, maxInFlight = 100 } = deps;
  const entries = new Map<string, Entry>();
  const waiting: (() => Promise<void>)[] = [];
  let inFlight = 0;
  let handler: (key: string) => void = () => {};

  const pump = () => {
    while (inFlight < maxInFlight && waiting.length > 0) {
      inFlight++;
      void waiting.shift()!().finally(() => {
        inFlight--;
        pump();
      });
    }
  };

  const start = (entry: Entry, image: string) => {
    waiting.push(() => lookUp(entry, image));
    pump();
  };

  const lookUp = async (entry: Entry, image: string): Promise<void> => {
    const { request, stop } = entry;
    if (stop.signal.aborted) return;
    const attempt = new AbortController();
    const abort = () => attempt.abort(stop.signal.reason);
    stop.signal.addEventListener("abort", abort, { once: true });
    const tooLong = new Error(`no answer within ${formatDuration(request.timeoutMs)}`);
    const cancelTimeout = clock.setTimer(request.timeoutMs, () => attempt.abort(tooLong));
    try {
      const resolved = await request.resolve(image, attempt.signal);
      if (stop.signal.aborted) return;
      entry.images.set(image, resolved);
      entry.failures.delete(image);
      if (entry.images.size === entry.wanted.size) tell(entry);
    } catch (cause) {
      if (stop.signal.aborted) return;
      const error = cause instanceof Error ? cause : new Error(String(cause));
      const previous = entry.failures.get(image);
      const count = (previous?.count ?? 0) + 1;
      entry.failures.set(image, { count, error });
      const backOffMs = firstDelayMs * 2 ** (count - 1);
      const delayMs = Math.min(Math.max(backOffMs, retryAfterMs(error)), longestDelayMs);
      log.info("failed to resolve an image to a digest", { "knative.dev/key": request.key, image, delayMs, error });
      const cancel = clock.setTimer(delayMs, () => {
        entry.timers.delete(cancel);
        start(entry, image);
      });
      entry.timers.add(cancel);
      if (previous?.error.message !== error.message) tell(entry);
    } finally {
      cancelTimeout();
      stop.signal.removeEventListener("abort", abort);
    }
  };

  const tell = (entry: Entry) => {
    // Whoever waits for the answer sees it anyway.
    if (entry.waiters.size === 0) handler(entry.request.key);
    for (const wake of entry.waiters) wake();
  };

  const drop = (entry: Entry) => {
    entry.stop.abort(new Error("no longer wanted"));
    for (const wake of entry.waiters) wake();
    for (const cancel of entry.timers) cancel();
    entries.delete(entry.request.key);
  };

  return {
    stateOf(request) {
      let entry = entries.get(request.key);
      const wanted = new Set(request.images);
      if (entry && (wanted.size !== entry.wanted.size || [...wanted].some((image) => !entry?.wanted.has(image)))) {
        // A revision of the same name that was made anew asks for other images.
        drop(entry);
        entry = undefined;
      }
      if (!entry) {
        entry = {
          request,
          wanted,
          images: new Map(),
          failures: new Map(),
          stop: new AbortController(),
          timers: new Set(),
          waiters: new Set(),
        };
        entries.set(request.key, entry);
        for (const image of wanted) start(entry, image);
      }
      const [failed] = entry.failures;
      if (failed) return { is: "failed", image: failed[0], error: failed[1].error };
      return entry.images.size === entry.wanted.size ? { is: "resolved", images: entry.images } : { is: "pending" };
    },
    settled(key, withinMs) {
      const entry = entries.get(key);
      if (!entry || entry.failures.size > 0 || entry.images.size === entry.wanted.size) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = () => {
          cancel();
          entry.waiters.delete(wake);
          resolve();
        };
        const cancel = clock.setTimer(withinMs, wake);
        entry.waiters.add(wake);
      });
    },
    forget(key) {
      const entry = entries.get(key);
      if (entry) drop(entry);
    },
    onResult(callback) {
      handler = callback;
    },
    close() {
      for (const entry of [...entries.values()]) drop(entry);
      waiting.length = 0;
    },
  };
}
