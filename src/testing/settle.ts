import assert from "node:assert/strict";
import { allKinds } from "../apis/kinds.ts";
import { type KubeObject, keyOf } from "../apis/meta.ts";
import { apiError, ConnectionError, isNotFound, PermanentError } from "../kube/errors.ts";
import type { Action, FakeClient } from "./fake-client.ts";
import { type Row, reconcileOnce } from "./table.ts";

/** One write, found by its place in the order of all, that meets an error, as do the next attempts at it. */
interface Fault {
  readonly at: number;
  readonly error: Error;
  /** Attempts that fail. */
  readonly times: number;
  /** The write is done all the same: only its answer is lost. */
  readonly isDone: boolean;
}

/** What an API server, and the way to it, may answer to any write. */
const writeErrors: readonly (readonly [name: string, error: Error])[] = [
  ["a conflict", apiError(409, "Conflict", "the object has been modified")],
  ["not found", apiError(404, "NotFound", "not found")],
  ["already exists", apiError(409, "AlreadyExists", "it exists already")],
  ["forbidden", apiError(403, "Forbidden", "not allowed")],
  ["too many requests", apiError(429, "TooManyRequests", "slow down")],
  ["an internal error", apiError(500, "InternalError", "broken")],
  ["a timeout", apiError(504, "Timeout", "late")],
];
const reset = new ConnectionError("the connection was reset");

const faults = [1, 3].flatMap((times) => [
  ...writeErrors.map(([name, error]) => ({ name, error, times, isDone: false })),
  { name: "a broken connection", error: reset, times, isDone: false },
  { name: "a lost answer", error: reset, times, isDone: true },
]);

export interface Settled {
  /** What the API server holds in the end, by kind and key, without versions and times. */
  readonly world: Readonly<Record<string, unknown>>;
  /** All writes of all passes. */
  readonly actions: readonly Action[];
  /** How many passes it took until one wrote nothing, or nothing called for another. */
  readonly passes: number;
}

/**
 * Runs passes, the caches following after each, for as long as a controller would: until one succeeds without a write,
 * or until nothing calls for another (no failure to be tried again, no time agreed upon, no change to tell of).
 */
export async function settle<T extends KubeObject, Deps, Config>(
  row: Row<T, Deps, Config>,
  fault?: Fault,
): Promise<Settled> {
  const actions: Action[] = [];
  const strikes = fault && strikesOf(fault);
  let objects = row.objects;
  for (let passes = 1; ; passes++) {
    const report = await reconcileOnce({ ...row, objects, ...(strikes && { induce: [strikes] }) });
    actions.push(...report.actions);
    const before = versionsOf(objects);
    objects = await everythingIn(report.client);
    const isTriedAgain = report.error !== undefined && !(report.error instanceof PermanentError);
    const isDue = report.outcome?.requeueAfterMs !== undefined;
    const isAtRest = report.actions.length === 0 && report.error === undefined;
    if (isAtRest || !(isTriedAgain || isDue || versionsOf(objects) !== before)) {
      return {
        world: Object.fromEntries(objects.map((object) => [`${object.kind} ${keyOf(object)}`, plain(object)])),
        actions,
        passes,
      };
    }
    if (passes === 20) throw new Error("the passes do not come to rest", { cause: report.error });
  }
}

/**
 * Lets every write of an undisturbed run meet every error, once and three times in a row. Each time all must end as it
 * does undisturbed, without more passes and attempts than the errors explain. Left out are answers that are believed,
 * since the watch would tell if they were not so: that what is to be deleted, or whose status is written, is gone, and
 * those that `believed` names ("already exists at create images").
 */
export async function assertSurvivesFaults<T extends KubeObject, Deps, Config>(
  row: Row<T, Deps, Config>,
  believed: readonly string[] = [],
): Promise<void> {
  const undisturbed = await settle(row);
  assert.ok(undisturbed.actions.length > 0, "there is a write that could fail");
  for (const [at, action] of undisturbed.actions.entries()) {
    for (const { name, ...fault } of faults) {
      if (isNotFound(fault.error) && ["delete", "updateStatus"].includes(action.verb)) continue;
      if (believed.includes(`${name} at ${action.verb} ${action.resource}`)) continue;
      const what = `${name} at ${idOf(action)}, ${fault.times} times`;
      const { world, passes, actions } = await settle(row, { ...fault, at });
      assert.deepEqual(world, undisturbed.world, what);
      assert.ok(passes <= undisturbed.passes + fault.times + 1, `${what}: ${passes} passes`);
      const attempts = actions.filter((attempt) => idOf(attempt) === idOf(action)).length;
      const usual = undisturbed.actions.filter((attempt) => idOf(attempt) === idOf(action)).length;
      assert.ok(attempts <= usual + fault.times, `${what}: ${attempts} attempts`);
    }
  }
}

function strikesOf({ at, error, times, isDone }: Fault) {
  let seen = 0;
  let left = times;
  let target: string | undefined;
  const when = (action: Action): boolean => {
    if (seen++ === at) target = idOf(action);
    if (target !== idOf(action) || left === 0) return false;
    left -= 1;
    return true;
  };
  return { verb: "*", resource: "*", error, isDone, when } as const;
}

function idOf({ verb, resource, namespace = "", name }: Action): string {
  return `${verb} ${resource} ${namespace}/${name}`;
}

function versionsOf(objects: readonly KubeObject[]): string {
  return objects.map((object) => `${object.kind} ${keyOf(object)} ${object.metadata.resourceVersion}`).join();
}

async function everythingIn(client: FakeClient): Promise<KubeObject[]> {
  const lists = await Promise.all(allKinds.map((kind) => client.of(kind).list()));
  return lists.flatMap(({ items }) => items);
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  // A reason that only says where on its way an object is depends on the way.
  const isUnderway = "status" in value && value.status === "Unknown" && !("message" in value);
  const omitted = ["resourceVersion", "lastTransitionTime", ...(isUnderway ? ["reason"] : [])];
  const left = Object.entries(value).filter(([name]) => !omitted.includes(name));
  return Object.fromEntries(left.map(([name, part]) => [name, plain(part)]));
}
