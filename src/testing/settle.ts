import { allKinds } from "../apis/kinds.ts";
import { type KubeObject, keyOf } from "../apis/meta.ts";
import { apiError, ConnectionError } from "../kube/errors.ts";
import type { Action, FakeClient, Induce } from "./fake-client.ts";
import { type Row, reconcileOnce } from "./table.ts";

/** What an API server may answer to any write. */
export const writeErrors: readonly (readonly [name: string, error: Error])[] = [
  ["a conflict", apiError(409, "Conflict", "the object has been modified")],
  ["not found", apiError(404, "NotFound", "not found")],
  ["already exists", apiError(409, "AlreadyExists", "it exists already")],
  ["forbidden", apiError(403, "Forbidden", "not allowed")],
  ["too many requests", apiError(429, "TooManyRequests", "slow down")],
  ["an internal error", apiError(500, "InternalError", "broken")],
  ["a broken connection", new ConnectionError("the connection was reset")],
];

export interface Settled {
  /** What the API server holds in the end, by kind and key, without versions and times. */
  readonly world: Readonly<Record<string, unknown>>;
  /** All writes of all passes. */
  readonly actions: readonly Action[];
  /** How many passes it took until one wrote nothing. */
  readonly passes: number;
}

/** Runs passes, the caches following after each, until one succeeds without a write. `induce` holds for the first. */
export async function settle<T extends KubeObject, Deps, Config>(
  row: Row<T, Deps, Config>,
  induce: readonly Induce[] = [],
  mostPasses = 10,
): Promise<Settled> {
  const actions: Action[] = [];
  let objects = row.objects;
  for (let passes = 1; ; passes++) {
    const report = await reconcileOnce({ ...row, objects, induce: passes === 1 ? induce : [] });
    actions.push(...report.actions);
    objects = await everythingIn(report.client);
    if (report.actions.length === 0 && report.error === undefined) {
      return {
        world: Object.fromEntries(objects.map((object) => [`${object.kind} ${keyOf(object)}`, plain(object)])),
        actions,
        passes,
      };
    }
    if (passes === mostPasses) throw new Error("the passes do not come to rest", { cause: report.error });
  }
}

/** One failure for every kind of write that `actions` hold, with every error: what a reconciler has to get over. */
export function everyFailure(actions: readonly Action[]): { readonly name: string; readonly induce: Induce }[] {
  const writes = new Map(actions.map(({ verb, resource }) => [`${verb} ${resource}`, { verb, resource }]));
  return [...writes].flatMap(([write, { verb, resource }]) =>
    writeErrors.map(([name, error]) => ({ name: `${name} at ${write}`, induce: { verb, resource, error, times: 1 } })),
  );
}

async function everythingIn(client: FakeClient): Promise<KubeObject[]> {
  const lists = await Promise.all(allKinds.map((kind) => client.of(kind).list()));
  return lists.flatMap(({ items }) => items);
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const left = Object.entries(value).filter(([name]) => name !== "resourceVersion" && name !== "lastTransitionTime");
  return Object.fromEntries(left.map(([name, part]) => [name, plain(part)]));
}
