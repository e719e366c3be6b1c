import type { Clock } from "../../../../lib/clock.ts";
import { createSingleFlight } from "../single-flight.ts";

/** Something that is good until a moment: a token, for instance. */
export interface Lease<T> {
  readonly value: T;
  /** Wall-clock time in milliseconds; Infinity where it never ends. */
  readonly expiresAtMs: number;
}

/** Keeps leases until shortly before they end; many who want the same one at once cause one request. */
export interface Leases<T> {
  get(key: string, signal: AbortSignal, fetch: (signal: AbortSignal) => Promise<Lease<T>>): Promise<T>;
}

const longestMarginMs = 5 * 60_000;
/** Keys come from image names, of which users may think up any number. */
const mostKept = 100;

/**
 * Leases are renewed five minutes before they end, or at half their time if that is later. One that cannot be renewed
 * serves to its end.
 */
export function createLeases<T>(clock: Pick<Clock, "now">): Leases<T> {
  const kept = new Map<string, Lease<T> & { readonly renewAtMs: number }>();
  const once = createSingleFlight<T>();

  return {
    async get(key, signal, fetch) {
      const known = kept.get(key);
      if (known && clock.now() < known.renewAtMs) return known.value;
      try {
        return await once(key, signal, async (flight) => {
          const lease = await fetch(flight);
          const leftMs = lease.expiresAtMs - clock.now();
          kept.delete(key);
          kept.set(key, { ...lease, renewAtMs: lease.expiresAtMs - Math.min(longestMarginMs, leftMs / 2) });
          if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
          return lease.value;
        });
      } catch (error) {
        if (known && clock.now() < known.expiresAtMs) return known.value;
        throw error;
      }
    },
  };
}
