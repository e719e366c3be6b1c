import { createHash } from "node:crypto";

/**
 * Which member should have which bucket (by index): each an equal share, and a member's coming or going moves few
 * buckets. Every member that knows the same members comes to the same result. A bucket's members are ranked by a hash
 * of both names (rendezvous hashing); it goes to the first that still has room. `ordinals`, where members have fixed
 * ordinals, puts bucket n at the member with ordinal n before anything else.
 */
export function assignBuckets(
  buckets: readonly string[],
  members: readonly string[],
  ordinals?: (member: string) => number | undefined,
): readonly (string | undefined)[] {
  const share = Math.floor(buckets.length / members.length);
  /** So many members have one bucket more than the others. */
  let larger = buckets.length % members.length;
  const counts = new Map(members.map((member) => [member, 0]));
  return buckets.map((bucket, index) => {
    const ranked = [...members].sort((a, b) => {
      const fixed = Number(ordinals?.(b) === index) - Number(ordinals?.(a) === index);
      return fixed || compare(rank(bucket, b), rank(bucket, a)) || compare(a, b);
    });
    const owner = ranked.find((member) => counts.get(member)! < share + (larger > 0 ? 1 : 0));
    if (owner === undefined) return undefined;
    const count = counts.get(owner)! + 1;
    counts.set(owner, count);
    if (count > share) larger -= 1;
    return owner;
  });
}

function rank(bucket: string, member: string): string {
  return createHash("sha256").update(`${bucket} ${member}`).digest("hex");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
