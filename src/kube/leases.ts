import { Lease } from "../apis/core/lease.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { startTicker } from "../lib/ticker.ts";
import type { Change, Client, Informers, Ownership } from "./api.ts";
import { assignBuckets } from "./assignment.ts";
import { type BucketLease, createBucketLease } from "./bucket-lease.ts";
import { createBucketSet, makeBucketNames } from "./buckets.ts";
import { createMembership } from "./membership.ts";
import type { PeerWatcher } from "./peers.ts";
import { podOf } from "./roster.ts";
import type { StatefulSetIdentity } from "./stateful-set.ts";

export interface LeaseTiming {
  /** Others take over when they heard nothing of a member for so long. */
  readonly leaseDurationMs: number;
  /** A member that could not renew for so long gives up by itself; shorter than leaseDurationMs. */
  readonly renewDeadlineMs: number;
  /** How often a member renews. */
  readonly retryPeriodMs: number;
}

export interface LeasesConfig {
  readonly client: Client;
  readonly informers: Informers;
  readonly namespace: string;
  /** The program, such as "controlplane": replicas of one program share its buckets. */
  readonly component: string;
  readonly buckets: number;
  readonly timing: LeaseTiming;
  /** Other prefixes of Lease names; see config-leader-election. */
  readonly leaseNamesPrefixMapping?: Readonly<Record<string, string>>;
  /** The pod's name: the same after a restart of the process. */
  readonly pod: string;
  /** Unique to this process. */
  readonly instance: string;
  /** "host:port" of our peer server, for the other replicas; without it they wait for our Lease to expire. */
  readonly peerAddress?: string;
  readonly peers?: PeerWatcher;
  /** "host:port" where this replica takes requests of the others. */
  readonly address?: string;
  /** The names of the buckets' Leases; "component.hakn.<n>-of-<count>" unless told. */
  readonly bucketNames?: readonly string[];
  /** Keys are divided as upstream's StatefulSet mode does, and bucket n prefers the pod with ordinal n. */
  readonly statefulSet?: StatefulSetIdentity;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Another replica that takes part now. */
export interface LivePeer {
  readonly pod: string;
  /** "host:port" where it takes requests. */
  readonly address: string;
}

export interface Leases extends Ownership {
  /** The pod that holds the key's bucket, as far as is known. */
  ownerOf(key: string): string | undefined;
  /** The names of the buckets that are ours now. */
  held(): readonly string[];
  /** The pods that take part now, sorted. */
  members(): readonly string[];
  /** The other replicas that take part now and say where they take requests. */
  peers(): readonly LivePeer[];
  /** Gives everything up: for `owns` at once, then for the others, who take over as soon as they hear of it. */
  release(): Promise<void>;
}

interface Bucket {
  readonly index: number;
  readonly lease: BucketLease;
  /** Since when (monotonic) nobody holds it. */
  freeSinceMs: number | undefined;
  /** Until when (monotonic) it is not handed over, since nobody else took it lately. */
  keepUntilMs: number;
  writing: Promise<void> | undefined;
}

const queue = "hakn";

/**
 * Shares a component's buckets among its replicas. Every replica renews one Lease of its own, its membership; each
 * bucket has a Lease that says which member holds it, and that is written only when it changes hands. A member whose
 * Lease expired or went away, or whose process is known to be gone, holds nothing: the replica that is next in line
 * takes its buckets. Writes carry the resourceVersion, so that of two takers one fails. It takes part as soon as the
 * program's caches are warm. See docs/decisions/0010-leadership.md.
 */
export function startLeases(config: LeasesConfig): Leases {
  const { client, informers, namespace, component, timing, clock } = config;
  const log = config.log.child({ component });
  const mapping = config.leaseNamesPrefixMapping;
  const names = config.bucketNames ?? makeBucketNames(component, queue, config.buckets, mapping);
  const keys = createBucketSet(config.statefulSet?.bucketNames(config.buckets) ?? names);
  const patienceMs = 2 * timing.retryPeriodMs;
  const handlers = new Set<() => void>();
  const stopped = new AbortController();

  const dropAll = () => {
    for (const { lease } of buckets) lease.drop();
  };
  const prefix = `${component}.${queue}.member.`.toLowerCase();
  const membership = createMembership({ ...config, log, prefix, onChange: () => turn(), onLapse: dropAll });
  const { identity } = membership;
  const onGained = () => {
    for (const handler of handlers) handler();
  };
  const shared = { client, namespace, durationMs: timing.leaseDurationMs, membership, clock, log, onGained };
  const buckets = names.map(
    (name, index): Bucket => ({
      index,
      lease: createBucketLease({ ...shared, name, stopped: stopped.signal }),
      freeSinceMs: undefined,
      keepUntilMs: 0,
      writing: undefined,
    }),
  );

  const take = async (bucket: Bucket, preferred: boolean) => {
    await bucket.lease.take();
    bucket.keepUntilMs = preferred ? 0 : clock.monotonic() + timing.leaseDurationMs;
  };

  const decide = (bucket: Bucket, preferred: string | undefined, now: number): (() => Promise<void>) | undefined => {
    const { lease } = bucket;
    if (lease.isOurs()) {
      bucket.freeSinceMs = undefined;
      if (preferred === undefined || preferred === config.pod || now < bucket.keepUntilMs) return undefined;
      return () => lease.handOver(preferred);
    }
    if (lease.holder() === identity) return () => take(bucket, true);
    if (!lease.isFree(now)) {
      bucket.freeSinceMs = undefined;
      return undefined;
    }
    bucket.freeSinceMs ??= now;
    if (preferred === config.pod) return () => take(bucket, true);
    return now - bucket.freeSinceMs >= patienceMs ? () => take(bucket, false) : undefined;
  };

  const turn = () => {
    if (stopped.signal.aborted) return;
    membership.renewIfDue();
    if (!membership.alive()) {
      dropAll();
      return;
    }
    const now = clock.monotonic();
    const preferred = assignBuckets(names, membership.live().map(podOf), config.statefulSet?.ordinalOf);
    for (const bucket of buckets) {
      if (bucket.writing) continue;
      const action = decide(bucket, preferred[bucket.index], now);
      if (!action) continue;
      bucket.writing = action().then(
        () => {
          bucket.writing = undefined;
          // What came in meanwhile was passed over.
          turn();
        },
        (error) => {
          bucket.writing = undefined;
          log.warn(`the Lease ${bucket.lease.name} could not be written; it will be tried again`, { error });
        },
      );
    }
  };

  const informer = informers.of(Lease, { namespace });
  const byName = new Map(buckets.map(({ lease }) => [lease.name, lease]));
  const onChange = ({ type, object }: Change<Lease>) => {
    const lease = byName.get(object.metadata.name);
    if (!lease) membership.observe(object, type === "deleted");
    else if (type === "deleted") lease.noteDeleted();
    else lease.observe(object);
    turn();
  };

  let stop = () => {};
  // Whoever joins is handed keys at once: that is of use only when its controllers can work on them.
  void informer.synced.then(informers.synced).then(
    () => {
      if (stopped.signal.aborted) return;
      const unsubscribe = informer.onChange(onChange);
      const stopTicker = startTicker(clock, timing.retryPeriodMs / 4, turn);
      stop = () => {
        unsubscribe();
        stopTicker();
      };
      membership.join();
      turn();
    },
    () => {},
  );

  const bucketOf = (key: string) => buckets[keys.indexOf(key.includes("/") ? key : `/${key}`)]!;
  const takesPart = () => !stopped.signal.aborted && membership.alive();

  return {
    owns: (key) => bucketOf(key).lease.isOurs() && takesPart(),
    onGained(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    ownerOf(key) {
      const holder = bucketOf(key).lease.holder();
      return holder && membership.stateOf(holder) === "live" ? podOf(holder) : undefined;
    },
    held: () => (takesPart() ? buckets.filter(({ lease }) => lease.isOurs()).map(({ lease }) => lease.name) : []),
    members: () => membership.live().map(podOf).sort(),
    peers: () =>
      membership
        .live()
        .filter((who) => who !== identity)
        .flatMap((who) => {
          const address = membership.addressOf(who);
          return address ? [{ pod: podOf(who), address }] : [];
        }),
    async release() {
      if (stopped.signal.aborted) return;
      stopped.abort();
      stop();
      await membership.leave(Promise.all(buckets.map((bucket) => bucket.writing)));
    },
  };
}
