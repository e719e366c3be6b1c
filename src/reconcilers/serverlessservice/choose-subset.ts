import { sortBytes } from "../../apis/networking/hosts.ts";

/** The points of the circle on which names are laid out. */
const universe = 2048n;

/**
 * Chooses `count` of the names, always the same ones for the same target, and spread evenly over many targets.
 * Source: knative.dev/pkg hash.ChooseSubset, as serving v0.42.2 requires it.
 */
export function chooseSubset(names: ReadonlySet<string>, count: number, target: string): ReadonlySet<string> {
  if (count >= names.size) return names;
  const nameAt = placeNames(sortBytes(names), target);
  const points = [...nameAt.keys()].sort((a, b) => Number(a - b));
  const step = fnv1a(`${target}step-angle-salt`) % universe;
  let angle = fnv1a(`${target}start-angle-salt`) % universe;
  const chosen = new Set<number>();
  while (chosen.size < count) {
    let at = Math.max(
      0,
      points.findIndex((point) => point >= angle),
    );
    while (chosen.has(at)) at = (at + 1) % points.length;
    chosen.add(at);
    angle = (angle + step) % universe;
  }
  return new Set([...chosen].map((at) => nameAt.get(points[at]!)!));
}

function placeNames(names: readonly string[], target: string): Map<bigint, string> {
  const nameAt = new Map<bigint, string>();
  for (const name of names) {
    let salted = name + target;
    let hash = fnv1a(salted);
    while (nameAt.has(hash % universe)) {
      salted += hash.toString(16);
      hash = fnv1a(salted);
    }
    nameAt.set(hash % universe, name);
  }
  return nameAt;
}

function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
