import type { Lease } from "../apis/core/lease.ts";
import type { Clock } from "../lib/clock.ts";
import { holderOf, isExpired, type Seen, see } from "./lease-record.ts";
import type { PeerWatcher } from "./peers.ts";

/** "live": it takes part; "gone": it can hold nothing any more; "unknown": it never took part. */
export type MemberState = "live" | "gone" | "unknown";

export interface RosterConfig {
  /** Ours. */
  readonly identity: string;
  /** What the names of members' Leases start with; the pod's name follows. */
  readonly prefix: string;
  readonly peers: PeerWatcher | undefined;
  /** How often a member renews. */
  readonly retryPeriodMs: number;
  readonly clock: Clock;
  /** Called when an identity has gone, as far as its Lease or its process tells. */
  readonly onDepart: (identity: string) => void;
  /** Called after that when a link to another process told it. */
  readonly onLinkLost: () => void;
}

/**
 * What is known of the replicas that take part: their Leases, by name, and whether their processes live. Members are
 * named by their identity: pod and process.
 */
export interface Roster {
  seen(name: string): Seen | undefined;
  /** Takes in a Lease; `answers` as for `see`. Returns what is believed now, undefined where nothing changed. */
  take(name: string, lease: Lease, answers?: { readonly seen: Seen | undefined }): Seen | undefined;
  /** The Lease went away, and with it its holder. */
  forget(name: string): void;
  /** An identity that had gone renewed after all. */
  revive(identity: string): void;
  stateOf(identity: string): MemberState;
  hasDeparted(identity: string): boolean;
  /** The identities of the live members, sorted. */
  live(): readonly string[];
  /** Where a member takes requests of the other members. */
  addressOf(identity: string): string | undefined;
  /** The names of the Leases that say the same for longer than this. */
  unchangedFor(ms: number): readonly string[];
  /** Ends the watching of processes. */
  close(): void;
}

interface Member {
  readonly seen: Seen;
  readonly stopWatching: () => void;
}

export const peerAnnotation = "hakn.dev/peer-address";
export const addressAnnotation = "hakn.dev/address";

/** The pod of an identity. */
export function podOf(identity: string): string {
  return identity.slice(0, identity.lastIndexOf("_"));
}

export function createRoster(config: RosterConfig): Roster {
  const { identity, prefix, peers, clock } = config;
  /** By the name of their Lease. */
  const members = new Map<string, Member>();
  /** Identities that are gone, unless they renew after all, and since when (monotonic). */
  const departed = new Map<string, number>();

  const depart = (gone: string) => {
    departed.set(gone, clock.monotonic());
    config.onDepart(gone);
  };

  const watchPeer = (lease: Lease): (() => void) => {
    const holder = holderOf(lease);
    const address = lease.metadata.annotations?.[peerAnnotation];
    if (!peers || !address || !holder || holder === identity) return () => {};
    return peers.watch({ identity: holder, address }, () => {
      depart(holder);
      config.onLinkLost();
    });
  };

  const stateOf = (who: string): MemberState => {
    if (departed.has(who)) return "gone";
    const seen = members.get(prefix + podOf(who))?.seen;
    if (!seen || holderOf(seen.lease) !== who) return "unknown";
    return isExpired(seen, clock.monotonic()) ? "gone" : "live";
  };

  return {
    seen: (name) => members.get(name)?.seen,
    take(name, lease, answers) {
      const before = members.get(name);
      const seen = see(before?.seen, lease, clock, answers);
      if (before && seen === before.seen) return undefined;
      const holder = holderOf(seen.lease);
      const former = before && holderOf(before.seen.lease);
      if (former && former !== holder) depart(former);
      const goneSince = departed.get(holder);
      // What a process wrote just before its end may come in just after it; what it writes later shows that it lives.
      const revived =
        goneSince !== undefined &&
        seen.sinceMs > (before?.seen.sinceMs ?? 0) &&
        seen.sinceMs - goneSince > config.retryPeriodMs;
      if (revived) departed.delete(holder);
      let stopWatching = before?.stopWatching ?? (() => {});
      if (former !== holder || revived) {
        stopWatching();
        stopWatching = watchPeer(seen.lease);
      }
      members.set(name, { seen, stopWatching });
      return seen;
    },
    forget(name) {
      const member = members.get(name);
      if (!member) return;
      member.stopWatching();
      members.delete(name);
      depart(holderOf(member.seen.lease));
    },
    revive: (who) => departed.delete(who),
    stateOf,
    hasDeparted: (who) => departed.has(who),
    live() {
      const identities = [...members.values()].map(({ seen }) => holderOf(seen.lease));
      return identities.filter((who) => who && stateOf(who) === "live").sort();
    },
    addressOf: (who) => members.get(prefix + podOf(who))?.seen.lease.metadata.annotations?.[addressAnnotation],
    unchangedFor(ms) {
      const now = clock.monotonic();
      return [...members].filter(([, { seen }]) => now - seen.sinceMs >= ms).map(([name]) => name);
    },
    close() {
      for (const { stopWatching } of members.values()) stopWatching();
    },
  };
}
