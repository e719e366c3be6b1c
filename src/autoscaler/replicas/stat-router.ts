import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import type { Stat } from "../scrape/stat.ts";
import type { Connect, Link } from "./link.ts";
import { encodeWireStats, type KeyedStat } from "./wire-stats.ts";

export interface StatRouterConfig {
  readonly owns: (key: string) => boolean;
  /** "host:port" of the replica that owns a key, if that is known. */
  readonly ownerAddress: (key: string) => string | undefined;
  /** Takes a Stat of a key that is ours; it was gathered `ageMs` ago. */
  readonly accept: (key: string, stat: Stat, ageMs: number) => void;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings stats to the replica that owns the revision. */
export interface StatRouter {
  /** Takes stats in. What another replica passed on is not passed on again at once: both may know an old owner. */
  route(stats: readonly KeyedStat[], passedOn?: boolean): void;
  /** Stats that were dropped: too many waited, or they could not be delivered in time. */
  dropped(): number;
  close(): void;
}

interface Waiting extends KeyedStat {
  readonly sinceMs: number;
}

const maxWaiting = 1000;
const retryMs = 500;
/** Upstream tries as often as takes so long. */
const patienceMs = 15_000;
const idleLinkMs = 60_000;
const complaintIntervalMs = 60_000;

/** The path at which replicas pass stats on to each other; activators use "/". */
export const passedOnPath = "/forwarded";

/**
 * Passes stats on to the owners of their buckets; stats whose owner is not known or not reachable wait up to 15 s,
 * at most 1000 of them. Source: serving v0.42.2 pkg/autoscaler/statforwarder.
 */
export function createStatRouter(config: StatRouterConfig): StatRouter {
  const { owns, ownerAddress, accept, connect, clock, log } = config;
  const links = new Map<string, { readonly link: Link; usedAtMs: number }>();
  let waiting: Waiting[] = [];
  let dropped = 0;
  let complainedAtMs = Number.NEGATIVE_INFINITY;
  let cancelRetry: (() => void) | undefined;
  let closed = false;

  const drop = (count: number, why: string) => {
    if (count === 0) return;
    dropped += count;
    if (clock.monotonic() - complainedAtMs < complaintIntervalMs) return;
    complainedAtMs = clock.monotonic();
    log.warn(`stats were dropped: ${why}`, { count, sinceStart: dropped });
  };

  const linkTo = (address: string): Link => {
    const known = links.get(address);
    if (known) {
      known.usedAtMs = clock.monotonic();
      return known.link;
    }
    const link = connect(`ws://${address}${passedOnPath}`, deliver);
    links.set(address, { link, usedAtMs: clock.monotonic() });
    return link;
  };

  const take = ({ key, stat }: KeyedStat) => {
    const ageMs = clock.now() - (stat.timestampSeconds ?? 0) * 1000;
    // Clocks of machines differ, and what is told is to the second: only a plausible age counts.
    accept(key, stat, ageMs >= 1000 && ageMs <= patienceMs ? ageMs : 0);
  };

  const deliver = () => {
    const now = clock.monotonic();
    const byAddress = new Map<string, Waiting[]>();
    const left: Waiting[] = [];
    for (const item of waiting) {
      const address = owns(item.key) ? "" : ownerAddress(item.key);
      if (address === "") take(item);
      else if (address === undefined) left.push(item);
      else if (byAddress.has(address)) byAddress.get(address)!.push(item);
      else byAddress.set(address, [item]);
    }
    for (const [address, items] of byAddress) {
      if (!linkTo(address).send(encodeWireStats(items))) left.push(...items);
    }
    waiting = left.filter(({ sinceMs }) => now - sinceMs <= patienceMs);
    drop(left.length - waiting.length, "their owner could not be reached");
    for (const [address, { link, usedAtMs }] of links) {
      if (now - usedAtMs < idleLinkMs) continue;
      link.close();
      links.delete(address);
    }
    if (waiting.length > 0 || links.size > 0) retryLater();
  };

  const retryLater = () => {
    if (closed) return;
    cancelRetry ??= clock.setTimer(retryMs, () => {
      cancelRetry = undefined;
      deliver();
    });
  };

  return {
    route(stats, passedOn = false) {
      if (closed) return;
      const timestampSeconds = Math.floor(clock.now() / 1000);
      for (const { key, stat } of stats) {
        const stamped = { key, stat: stat.timestampSeconds ? stat : { ...stat, timestampSeconds } };
        if (owns(key)) take(stamped);
        else waiting.push({ ...stamped, sinceMs: clock.monotonic() });
      }
      const surplus = waiting.length - maxWaiting;
      if (surplus > 0) waiting.splice(0, surplus);
      drop(Math.max(0, surplus), "too many wait for their owners");
      if (waiting.length === 0) return;
      if (passedOn) retryLater();
      else deliver();
    },
    dropped: () => dropped,
    close() {
      closed = true;
      cancelRetry?.();
      for (const { link } of links.values()) link.close();
      links.clear();
      waiting = [];
    },
  };
}
