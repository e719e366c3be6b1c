/** Divides keys among named buckets. */
export interface BucketSet {
  /** In the order of their indexes: sorted. */
  readonly names: readonly string[];
  /** The index of the bucket that a "namespace/name" falls into. */
  indexOf(key: string): number;
}

const universe = 1 << 11;
const fnvOffset = 14_695_981_039_346_656_037n;
const fnvPrime = 1_099_511_628_211n;

/**
 * Upstream's consistent hashing, so that its programs and ours agree on which bucket a key is in: every bucket has a
 * place on a ring that depends on the key, and the first one at or after the key's starting place has it.
 * Source: knative.dev/pkg hash.ChooseSubset (20240716).
 */
export function createBucketSet(bucketNames: readonly string[]): BucketSet {
  const names = [...bucketNames].sort();
  const encoded = names.map((name) => Buffer.from(name));
  return {
    names,
    indexOf(key) {
      if (names.length === 1) return 0;
      const target = Buffer.from(key);
      const start = placeOf([target, Buffer.from("start-angle-salt")]);
      const taken = new Set<number>();
      let first = { index: -1, distance: universe };
      for (const [index, name] of encoded.entries()) {
        let place = placeOf([name, target]);
        if (taken.has(place)) place = nextFreePlace(name, target, taken);
        taken.add(place);
        const distance = (place - start + universe) % universe;
        if (distance < first.distance) first = { index, distance };
      }
      return first.index;
    },
  };
}

/** The names of a component's buckets, which are also those of their Leases. Source: knative.dev/pkg leaderelection. */
export function makeBucketNames(
  component: string,
  queue: string,
  count: number,
  prefixMapping: Readonly<Record<string, string>> = {},
): readonly string[] {
  const prefix = prefixMapping[`${component}.${queue}`] || `${component}.${queue}`;
  const digits = (value: number) => String(value).padStart(2, "0");
  return Array.from({ length: count }, (_, index) => `${prefix}.${digits(index)}-of-${digits(count)}`.toLowerCase());
}

/** FNV-1a's place on the ring. The low bits of a product depend on the factors' low bits only: 32 are enough. */
function placeOf(parts: readonly Buffer[]): number {
  let hash = Number(fnvOffset & 0xffff_ffffn);
  for (const part of parts) for (const byte of part) hash = Math.imul(hash ^ byte, Number(fnvPrime & 0xffff_ffffn));
  return hash & (universe - 1);
}

/** Where two buckets would share a place, the later one moves on: its whole hash becomes part of what is hashed. */
function nextFreePlace(name: Buffer, target: Buffer, taken: ReadonlySet<number>): number {
  let text = Buffer.concat([name, target]);
  for (;;) {
    const hash = fnv64(text);
    const place = Number(hash % BigInt(universe));
    if (!taken.has(place)) return place;
    text = Buffer.concat([text, Buffer.from(hash.toString(16))]);
  }
}

function fnv64(bytes: Buffer): bigint {
  let hash = fnvOffset;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * fnvPrime);
  return hash;
}
