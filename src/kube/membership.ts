import { Lease } from "../apis/core/lease.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { Client } from "./api.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./errors.ts";
import { holderOf, isExpired, makeLease, type Seen } from "./lease-record.ts";
import type { LeaseTiming } from "./leases.ts";
import type { PeerWatcher } from "./peers.ts";
import { addressAnnotation, createRoster, type MemberState, peerAnnotation, podOf } from "./roster.ts";

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

/** Leases of members that expired so long ago are deleted. */
const forgetAfterMs = 600_000;
/** A program that ends does not wait longer for an API server that does not answer. */
const leaveWithinMs = 3000;

/** Creates the view of a replica that has not joined yet. */
export function createMembership(config: MembershipConfig): Membership {
  const { client, namespace, pod, peers, timing, clock, log, prefix, onChange } = config;
  const leases = client.of(Lease);
  const identity = `${pod}_${config.instance}`;
  const ownName = prefix + pod;
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

  const roster = createRoster({
    identity,
    prefix,
    peers,
    retryPeriodMs: timing.retryPeriodMs,
    clock,
    onDepart(gone) {
      if (gone === identity) aliveUntilMs = Number.NEGATIVE_INFINITY;
    },
    onLinkLost: onChange,
  });

  const take = (name: string, lease: Lease, answers?: { readonly seen: Seen | undefined }) => {
    const seen = roster.take(name, lease, answers);
    if (!seen || name !== ownName || !established) return;
    const holder = holderOf(seen.lease);
    if (holder === identity) return;
    log.error("another process has taken this pod's place", { holder });
    aliveUntilMs = Number.NEGATIVE_INFINITY;
  };

  const read = async (name: string): Promise<void> => {
    const seen = roster.seen(name);
    try {
      take(name, await attempt((signal) => leases.get({ namespace, name }, signal)), { seen });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      roster.forget(name);
    }
  };

  const renew = async () => {
    const sentAtMs = clock.monotonic();
    renewedAtMs = sentAtMs;
    const before = roster.seen(ownName);
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
      roster.revive(identity);
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
    for (const name of roster.unchangedFor(forgetAfterMs + timing.leaseDurationMs)) {
      if (name === ownName) continue;
      const { resourceVersion } = roster.seen(name)!.lease.metadata;
      const preconditions = resourceVersion ? { resourceVersion } : {};
      roster.forget(name);
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
    live: roster.live,
    stateOf: roster.stateOf,
    addressOf: roster.addressOf,
    async confirmGone(who) {
      if (roster.hasDeparted(who)) return true;
      if (roster.stateOf(who) !== "live") await read(prefix + podOf(who));
      return roster.stateOf(who) !== "live";
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
      if (deleted) roster.forget(name);
      else take(name, lease);
    },
    attempt,
    async leave(pending) {
      joined = false;
      const cancel = clock.setTimer(leaveWithinMs, () => leaving.abort(new Error("leaving took too long")));
      await pending;
      await writing;
      roster.close();
      const own = roster.seen(ownName)?.lease;
      if (own && holderOf(own) === identity) {
        await attempt((signal) => leases.delete({ namespace, name: ownName }, { signal })).catch((error) => {
          if (!isNotFound(error)) log.warn("this replica's Lease could not be deleted: it will expire", { error });
        });
      }
      cancel();
    },
  };
}
