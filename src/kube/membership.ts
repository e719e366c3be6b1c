import { Lease } from "../apis/core/lease.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { Client } from "./api.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./errors.ts";
import { holderOf, isExpired, makeLease, type Seen, see } from "./lease-record.ts";
import type { LeaseTiming } from "./leases.ts";
import type { PeerWatcher } from "./peers.ts";

export interface MembershipConfig {
  readonly client: Client;
  readonly namespace: string;
  readonly pod: string;
  readonly instance: string;
  readonly peerAddress?: string;
  readonly address?: string;
  readonly peers?: PeerWatcher;
  readonly timing: LeaseTiming;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the names of members' Leases start with; the pod's name follows. */
  readonly prefix: string;
  /** Called when a member came or went, or when our own Lease was renewed. */
  readonly onChange: () => void;
  /** Called before we are alive again after we were not: others may have taken whatever we held. */
  readonly onLapse: () => void;
}

/** "live": it takes part; "gone": it can hold nothing any more; "unknown": it never took part. */
export type MemberState = "live" | "gone" | "unknown";

/** The replicas that take part, of which we are one. Members are named by their identity: pod and process. */
export interface Membership {
  readonly identity: string;
  /** Starts renewing our Lease: from now on we are a member, or try to be. */
  join(): void;
  /** Whether our own Lease was renewed lately enough that nobody can have declared us gone. */
  alive(): boolean;
  /** The identities of the live members, sorted. */
  live(): readonly string[];
  stateOf(identity: string): MemberState;
  /** Where a member takes requests of the other members. */
  addressOf(identity: string): string | undefined;
  /** Asks the API server whether a member that seems gone really is. */
  confirmGone(identity: string): Promise<boolean>;
  renewIfDue(): void;
  /** Takes in a Lease of the namespace; those of others are ignored. */
  observe(lease: Lease, deleted: boolean): void;
  /** Runs a request whose signal aborts when it has taken too long to be of use. */
  attempt<R>(request: (signal: AbortSignal) => Promise<R>): Promise<R>;
  /** Once what is `pending` has ended, deletes our Lease: the others know at once that we hold nothing. */
  leave(pending: Promise<unknown>): Promise<void>;
}

interface Member {
  seen: Seen;
  stopWatching: () => void;
}

const peerAnnotation = "hakn.dev/peer-address";
const addressAnnotation = "hakn.dev/address";
/** Leases of members that expired so long ago are deleted. */
const forgetAfterMs = 600_000;
/** A program that ends does not wait longer for an API server that does not answer. */
const leaveWithinMs = 3000;

/** The pod of an identity. */
export function podOf(identity: string): string {
  return identity.slice(0, identity.lastIndexOf("_"));
}

/** Creates the view of a replica that has not joined yet. */
export function createMembership(config: MembershipConfig): Membership {
  const { client, namespace, pod, peers, timing, clock, log, prefix, onChange } = config;
  const leases = client.of(Lease);
  const identity = `${pod}_${config.instance}`;
  const ownName = prefix + pod;
  /** By the name of their Lease. */
  const members = new Map<string, Member>();
  /** Identities that are gone, unless they renew after all, and since when (monotonic). */
  const departed = new Map<string, number>();
  let joined = false;
  /** Whether our Lease ever named us; the first time we take it whoever it names, for a pod has one process. */
  let established = false;
  let aliveUntilMs = Number.NEGATIVE_INFINITY;
  let renewedAtMs = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> | undefined;
  /** Aborts what is under way when leaving takes too long. */
  const leaving = new AbortController();

  const alive = () => joined && clock.monotonic() < aliveUntilMs;

  const attempt = async <R>(request: (signal: AbortSignal) => Promise<R>): Promise<R> => {
    const timeout = new AbortController();
    const afterMs = timing.renewDeadlineMs / 2;
    const cancel = clock.setTimer(afterMs, () => timeout.abort(new Error(`no answer within ${afterMs / 1000} s`)));
    try {
      return await request(AbortSignal.any([timeout.signal, leaving.signal]));
    } finally {
      cancel();
    }
  };

  const depart = (gone: string) => {
    departed.set(gone, clock.monotonic());
    if (gone === identity) aliveUntilMs = Number.NEGATIVE_INFINITY;
  };

  const watchPeer = (lease: Lease): (() => void) => {
    const holder = holderOf(lease);
    const address = lease.metadata.annotations?.[peerAnnotation];
    if (!peers || !address || !holder || holder === identity) return () => {};
    return peers.watch({ identity: holder, address }, () => {
      depart(holder);
      onChange();
    });
  };

  const take = (name: string, lease: Lease, answers?: { readonly seen: Seen | undefined }) => {
    const before = members.get(name);
    const seen = see(before?.seen, lease, clock, answers);
    if (before && seen === before.seen) return;
    const holder = holderOf(seen.lease);
    const former = before && holderOf(before.seen.lease);
    if (former && former !== holder) depart(former);
    const goneSince = departed.get(holder);
    // What a process wrote just before its end may come in just after it; what it writes later shows that it lives.
    const revived =
      goneSince !== undefined &&
      seen.sinceMs > (before?.seen.sinceMs ?? 0) &&
      seen.sinceMs - goneSince > timing.retryPeriodMs;
    if (revived) departed.delete(holder);
    let stopWatching = before?.stopWatching ?? (() => {});
    if (former !== holder || revived) {
      stopWatching();
      stopWatching = watchPeer(seen.lease);
    }
    members.set(name, { seen, stopWatching });
    if (name === ownName && holder !== identity && established) {
      log.error("another process has taken this pod's place", { holder });
      aliveUntilMs = Number.NEGATIVE_INFINITY;
    }
  };

  const stateOf = (who: string): MemberState => {
    if (departed.has(who)) return "gone";
    const seen = members.get(prefix + podOf(who))?.seen;
    if (!seen || holderOf(seen.lease) !== who) return "unknown";
    return isExpired(seen, clock.monotonic()) ? "gone" : "live";
  };

  const read = async (name: string): Promise<void> => {
    const seen = members.get(name)?.seen;
    try {
      take(name, await attempt((signal) => leases.get({ namespace, name }, signal)), { seen });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      forget(name);
    }
  };

  const forget = (name: string) => {
    const member = members.get(name);
    if (!member) return;
    member.stopWatching();
    members.delete(name);
    depart(holderOf(member.seen.lease));
  };

  const renew = async () => {
    const sentAtMs = clock.monotonic();
    renewedAtMs = sentAtMs;
    const before = members.get(ownName)?.seen;
    const holder = before ? holderOf(before.lease) : "";
    if (established && holder && holder !== identity && !isExpired(before!, sentAtMs)) return;
    const annotations = {
      ...(config.peerAddress && { [peerAnnotation]: config.peerAddress }),
      ...(config.address && { [addressAnnotation]: config.address }),
    };
    const text = {
      name: ownName,
      namespace,
      holder: identity,
      durationMs: timing.leaseDurationMs,
      labels: { "hakn.dev/lease": "member" },
      annotations,
    };
    const lease = makeLease(text, before?.lease, clock);
    try {
      const written = await attempt((signal) =>
        before ? leases.update(lease, { signal }) : leases.create(lease, { signal }),
      );
      if (!joined) return;
      established = true;
      departed.delete(identity);
      take(ownName, written, { seen: before });
      if (clock.monotonic() >= aliveUntilMs) config.onLapse();
      aliveUntilMs = sentAtMs + timing.renewDeadlineMs;
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      await read(ownName);
      // At once, at the next turn.
      renewedAtMs = Number.NEGATIVE_INFINITY;
    }
    onChange();
  };

  const forgetLongGone = () => {
    const now = clock.monotonic();
    for (const [name, { seen }] of members) {
      if (name === ownName || now - seen.sinceMs < forgetAfterMs + timing.leaseDurationMs) continue;
      const { resourceVersion } = seen.lease.metadata;
      const preconditions = resourceVersion ? { resourceVersion } : {};
      forget(name);
      attempt((signal) => leases.delete({ namespace, name }, { preconditions, signal })).catch((error) => {
        log.debug("the Lease of a former member could not be deleted", { name, error });
      });
    }
  };

  return {
    identity,
    join() {
      joined = true;
    },
    alive,
    live: () => {
      const identities = [...members.values()].map(({ seen }) => holderOf(seen.lease));
      return identities.filter((who) => who && stateOf(who) === "live").sort();
    },
    stateOf,
    addressOf: (who) => members.get(prefix + podOf(who))?.seen.lease.metadata.annotations?.[addressAnnotation],
    async confirmGone(who) {
      if (departed.has(who)) return true;
      if (stateOf(who) !== "live") await read(prefix + podOf(who));
      return stateOf(who) !== "live";
    },
    renewIfDue() {
      if (!joined || writing || clock.monotonic() - renewedAtMs < timing.retryPeriodMs) return;
      writing = renew()
        .catch((error) => log.warn("this replica's Lease could not be renewed; it will be tried again", { error }))
        .finally(() => {
          writing = undefined;
        });
      forgetLongGone();
    },
    observe(lease, deleted) {
      const { name } = lease.metadata;
      if (!name.startsWith(prefix)) return;
      if (deleted) forget(name);
      else take(name, lease);
    },
    attempt,
    async leave(pending) {
      joined = false;
      const cancel = clock.setTimer(leaveWithinMs, () => leaving.abort(new Error("leaving took too long")));
      await pending;
      await writing;
      for (const { stopWatching } of members.values()) stopWatching();
      const own = members.get(ownName)?.seen.lease;
      if (own && holderOf(own) === identity) {
        await attempt((signal) => leases.delete({ namespace, name: ownName }, { signal })).catch((error) => {
          if (!isNotFound(error)) log.warn("this replica's Lease could not be deleted: it will expire", { error });
        });
      }
      cancel();
    },
  };
}
