import { Lease } from "../apis/core/lease.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { Client } from "./api.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./errors.ts";
import { holderOf, isExpired, makeLease, type Seen, see } from "./lease-record.ts";
import type { Membership } from "./membership.ts";

export interface BucketLeaseConfig {
  readonly client: Client;
  readonly namespace: string;
  readonly name: string;
  readonly durationMs: number;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly log: Logger;
  /** From then on we take nothing. */
  readonly stopped: AbortSignal;
  /** Called when the bucket has become ours. */
  readonly onGained: () => void;
}

/** The Lease of one bucket: who holds it, as far as is known, and how it changes hands. */
export interface BucketLease {
  readonly name: string;
  /** Whether we hold it, as long as our membership is alive. */
  isOurs(): boolean;
  /** Whom it names; undefined where it is not known, or names nobody. */
  holder(): string | undefined;
  /** Whether who holds it cannot hold anything any more. */
  isFree(nowMs: number): boolean;
  observe(lease: Lease): void;
  /** The API server has it no longer. Who held it holds it still: it is written anew when it changes hands. */
  noteDeleted(): void;
  /** We hold it no longer, whatever it says. */
  drop(): void;
  /** Writes our name into it, unless somebody lives who holds it. */
  take(): Promise<void>;
  /** Leaves it to another replica. */
  handOver(to: string): Promise<void>;
}

export function createBucketLease(config: BucketLeaseConfig): BucketLease {
  const { namespace, name, membership, clock, log } = config;
  const leases = config.client.of(Lease);
  const { identity } = membership;
  let known: Seen | undefined;
  /** Whether the API server holds the Lease (it may have been deleted after we saw it). */
  let stored = false;
  let ours = false;

  const holder = () => (known && holderOf(known.lease)) || undefined;

  const setOurs = (value: boolean) => {
    if (ours === value) return;
    ours = value;
    log.info(`${ours ? "this replica has" : "this replica no longer has"} the bucket ${name}`);
    if (ours) config.onGained();
  };

  /** `answers`: what we had seen when we asked for this Lease, where it is the answer to a request of ours. */
  const observe = (lease: Lease, answers?: { readonly seen: Seen | undefined }) => {
    known = see(known, lease, clock, answers);
    stored = true;
    if (holder() !== identity) setOurs(false);
  };

  const refresh = async () => {
    const seen = known;
    try {
      observe(await membership.attempt((signal) => leases.get({ namespace, name }, signal)), { seen });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      stored = false;
    }
  };

  /** Writes the Lease in the name of `to`; resolves with whether it was the first to do so. */
  const write = async (to: string): Promise<boolean> => {
    const seen = known;
    const labels = { "hakn.dev/lease": "bucket" };
    const text = { name, namespace, holder: to, durationMs: config.durationMs, labels };
    const lease = makeLease(text, seen?.lease, clock);
    try {
      if (!stored) delete lease.metadata.resourceVersion;
      const send = stored ? leases.update : leases.create;
      observe(await membership.attempt((signal) => send(lease, { signal })), { seen });
      return true;
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      await refresh();
      return false;
    }
  };

  return {
    name,
    isOurs: () => ours,
    holder,
    isFree(nowMs) {
      const who = holder();
      if (!known || !who) return true;
      const state = membership.stateOf(who);
      // A holder that never was a member: another program's way of leading, to be waited for.
      return state === "unknown" ? isExpired(known, nowMs) : state === "gone";
    },
    observe: (lease) => observe(lease),
    noteDeleted() {
      stored = false;
    },
    drop: () => setOurs(false),
    async take() {
      const former = holder();
      // Our picture of the others may be old: nobody loses a bucket before the API server says the same.
      if (former && former !== identity) {
        if (!(await membership.confirmGone(former))) return;
        // Somebody who lives may have taken it while we asked about the one before.
        if (holder() !== former) return;
      }
      if (!(await write(identity)) || config.stopped.aborted) return;
      setOurs(holder() === identity);
    },
    async handOver(to) {
      log.info(`handing the bucket ${name} over to ${to}`);
      setOurs(false);
      await write("");
    },
  };
}
