import type { Lease } from "../apis/core/lease.ts";
import type { Clock } from "../lib/clock.ts";

/** A Lease as we last saw it, and since when (monotonic) it says what it says. */
export interface Seen {
  readonly lease: Lease;
  readonly sinceMs: number;
}

/** How far the clocks of two machines may be apart; used only for Leases seen for the first time. */
const clockSkewMs = 60_000;

/**
 * What to believe after `lease` came in: the newer of the two. Time counts from our seeing a change, by our own clock,
 * so that the clocks of machines need not agree. `answers`, where the Lease is the answer to a request of ours, is what
 * we had seen when we asked: if nothing came in since, the answer counts even if it looks older (a clock went back);
 * otherwise the answer may have been overtaken.
 */
export function see(
  before: Seen | undefined,
  lease: Lease,
  clock: Clock,
  answers?: { readonly seen: Seen | undefined },
): Seen {
  const now = clock.monotonic();
  if (before) {
    const order = compareRecords(lease, before.lease);
    if (order === 0) return { lease, sinceMs: before.sinceMs };
    if (order < 0 && (!answers || answers.seen !== before)) return before;
    return { lease, sinceMs: now };
  }
  const renewedAt = Date.parse(lease.spec.renewTime ?? "");
  const durationMs = durationOf(lease);
  const longAgo = clock.now() - renewedAt > durationMs + clockSkewMs;
  return { lease, sinceMs: longAgo ? now - durationMs : now };
}

/** Whether nothing was heard of the holder for the Lease's duration. */
export function isExpired(seen: Seen, nowMs: number): boolean {
  return nowMs - seen.sinceMs >= durationOf(seen.lease);
}

export function holderOf(lease: Lease): string {
  return lease.spec.holderIdentity ?? "";
}

export interface LeaseText {
  readonly name: string;
  readonly namespace: string;
  readonly holder: string;
  readonly durationMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The Lease that says that `holder` has it from now on; `before` is what it replaces. */
export function makeLease(text: LeaseText, before: Lease | undefined, clock: Pick<Clock, "now">): Lease {
  const { name, namespace, holder, durationMs, labels, annotations } = text;
  const now = new Date(clock.now()).toISOString().replace("Z", "000Z");
  const same = before !== undefined && holderOf(before) === holder;
  return {
    ...before,
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      ...before?.metadata,
      name,
      namespace,
      labels: { ...before?.metadata.labels, ...labels },
      ...(annotations && { annotations: { ...before?.metadata.annotations, ...annotations } }),
    },
    spec: {
      ...before?.spec,
      holderIdentity: holder,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: same ? (before.spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.spec.leaseTransitions ?? 0) + (same ? 0 : 1),
    },
  };
}

function durationOf(lease: Lease): number {
  return (lease.spec.leaseDurationSeconds ?? 0) * 1000;
}

/** Every holder counts the transitions up and renews with growing times: later records compare greater. */
function compareRecords(a: Lease, b: Lease): number {
  const transitions = (a.spec.leaseTransitions ?? 0) - (b.spec.leaseTransitions ?? 0);
  if (transitions !== 0) return transitions;
  const [left, right] = [a.spec.renewTime ?? "", b.spec.renewTime ?? ""];
  if (left !== right) return left < right ? -1 : 1;
  return holderOf(a) === holderOf(b) ? 0 : 1;
}
