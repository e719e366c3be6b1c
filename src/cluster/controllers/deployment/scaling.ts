import type { Bounds } from "./bounds.ts";

/** What the scaling of a ReplicaSet depends on. */
export interface SetSize {
  readonly name: string;
  readonly replicas: number;
  readonly available: number;
  readonly createdAtMs: number;
  /** The Deployment's replicas, and replicas plus surge, when this set was last scaled. */
  readonly desiredThen?: number | undefined;
  readonly maxThen?: number | undefined;
}

/** New sizes by ReplicaSet name; sets that stay as they are do not appear. */
export type Sizes = Readonly<Record<string, number>>;

const sum = (sets: readonly SetSize[], of: "replicas" | "available") => sets.reduce((total, set) => total + set[of], 0);

/** How large the set of the present template may be now. Source: k8s.io/kubernetes v1.34 NewRSNewReplicas. */
export function sizeOfNewSet(bounds: Bounds, current: number, total: number, recreate: boolean): number {
  if (recreate || current >= bounds.replicas) return bounds.replicas;
  const room = bounds.replicas + bounds.maxSurge - total;
  return room <= 0 ? current : current + Math.min(room, bounds.replicas - current);
}

/**
 * The next step of a rolling update: the new set grows as far as the surge allows; else old sets shrink, unhealthy
 * pods first, as far as enough pods stay available. An empty answer means that nothing can be done now.
 * Source: k8s.io/kubernetes v1.34 deployment/rolling.go.
 */
export function decideRollingStep(bounds: Bounds, newSet: SetSize, oldSets: readonly SetSize[]): Sizes {
  const total = newSet.replicas + sum(oldSets, "replicas");
  const grown = sizeOfNewSet(bounds, newSet.replicas, total, false);
  if (grown !== newSet.replicas) return { [newSet.name]: grown };

  const active = oldSets.filter(({ replicas }) => replicas > 0).sort((a, b) => a.createdAtMs - b.createdAtMs);
  if (active.length === 0) return {};
  const minAvailable = bounds.replicas - bounds.maxUnavailable;
  const removable = total - minAvailable - (newSet.replicas - newSet.available);
  if (removable <= 0) return {};

  const sizes = new Map(active.map(({ name, replicas }) => [name, replicas]));
  const shrink = (name: string, by: number) => sizes.set(name, sizes.get(name)! - by);
  let unhealthyLeft = removable;
  for (const set of active) {
    const unhealthy = Math.min(unhealthyLeft, set.replicas - set.available);
    if (unhealthy <= 0) continue;
    shrink(set.name, unhealthy);
    unhealthyLeft -= unhealthy;
  }
  let healthyLeft = newSet.available + sum(active, "available") - minAvailable;
  for (const { name } of active) {
    const healthy = Math.min(healthyLeft, sizes.get(name)!);
    if (healthy <= 0) continue;
    shrink(name, healthy);
    healthyLeft -= healthy;
  }
  return Object.fromEntries(
    active.filter((set) => sizes.get(set.name) !== set.replicas).map(({ name }) => [name, sizes.get(name)!]),
  );
}

/** Whether `replicas` was changed since the active sets were last scaled. Source: deployment/sync.go isScalingEvent. */
export function isScalingEvent(replicas: number, sets: readonly SetSize[]): boolean {
  return sets.some((set) => set.replicas > 0 && set.desiredThen !== undefined && set.desiredThen !== replicas);
}

/**
 * The sizes after a change of `replicas`, or while the Deployment is paused. One active set takes it all; in the midst
 * of a rolling update every active set changes in proportion, the largest takes what rounding leaves over.
 * Source: k8s.io/kubernetes v1.34 deployment/sync.go scale.
 */
export function decideProportionalSizes(
  bounds: Bounds,
  newSet: SetSize | undefined,
  oldSets: readonly SetSize[],
  options: { readonly recreate: boolean; readonly statusReplicas: number },
): Sizes {
  const all = newSet ? [...oldSets, newSet] : [...oldSets];
  const active = all.filter(({ replicas }) => replicas > 0);
  if (active.length <= 1) {
    const newest = [...oldSets].sort((a, b) => b.createdAtMs - a.createdAtMs)[0];
    const only = active[0] ?? newSet ?? newest;
    return only && only.replicas !== bounds.replicas ? { [only.name]: bounds.replicas } : {};
  }
  const saturated =
    newSet?.replicas === bounds.replicas &&
    newSet.desiredThen === bounds.replicas &&
    newSet.available === bounds.replicas;
  if (saturated) {
    return Object.fromEntries(active.filter((set) => set !== newSet).map(({ name }) => [name, 0]));
  }
  if (options.recreate) return {};

  const allowed = bounds.replicas > 0 ? bounds.replicas + bounds.maxSurge : 0;
  const toAdd = allowed - sum(active, "replicas");
  if (toAdd === 0) return {};
  const newerFirst = (a: SetSize, b: SetSize) => b.createdAtMs - a.createdAtMs;
  const order = toAdd > 0 ? newerFirst : (a: SetSize, b: SetSize) => newerFirst(b, a);
  const largestFirst = active.sort((a, b) => b.replicas - a.replicas || order(a, b));
  let left = toAdd;
  const sizes = largestFirst.map((set) => {
    const share = left === 0 ? 0 : shareOf(set, bounds, options.statusReplicas);
    const change = toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
    left -= change;
    return { set, size: set.replicas + change };
  });
  sizes[0]!.size = Math.max(0, sizes[0]!.size + left);
  return Object.fromEntries(
    sizes.filter(({ set, size }) => size !== set.replicas).map(({ set, size }) => [set.name, size]),
  );
}

function shareOf(set: SetSize, bounds: Bounds, statusReplicas: number): number {
  if (bounds.replicas === 0) return -set.replicas;
  const before = set.maxThen || statusReplicas;
  if (before === 0) return 0;
  return Math.round((set.replicas * (bounds.replicas + bounds.maxSurge)) / before) - set.replicas;
}
