import type { KubeObject } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";

/** So long an object counts as new. Most get ready within this time. */
const youthMs = 10_000;

/**
 * How much longer an object counts as new, in milliseconds: what it needs only in case it does not get ready soon may
 * wait until then. 0 for one that is older, or whose age is not known.
 */
export function youthLeftMs({ metadata }: KubeObject, clock: Pick<Clock, "now">): number {
  const bornAt = Date.parse(metadata.creationTimestamp ?? "");
  return Number.isNaN(bornAt) ? 0 : Math.max(0, Math.min(youthMs, bornAt + youthMs - clock.now()));
}
