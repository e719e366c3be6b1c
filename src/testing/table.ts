import type { KubeObject } from "../apis/meta.ts";
import type { ClusterAccess, EventRecorder, Outcome } from "../kube/api.ts";
import { createPass, type PassSpec } from "../kube/pass.ts";
import type { Clock } from "../lib/clock.ts";
import { silentLogger } from "../lib/log.ts";
import { type Action, type FakeClient, fakeClient, type Induce } from "./fake-client.ts";
import { fakeClock } from "./fake-clock.ts";
import { fakeInformers } from "./fake-informers.ts";

/** What `deps` of a reconciler under test can be made from. */
export interface World extends ClusterAccess {
  readonly client: FakeClient;
  readonly clock: Clock;
}

export interface Row<T extends KubeObject, Deps, Config> extends Omit<PassSpec<T, Deps, Config>, "deps"> {
  /** "namespace/name" of the object to reconcile. */
  readonly key: string;
  /** What the API server and the caches hold. Caches do not follow the writes of the pass, as in real life. */
  readonly objects: readonly KubeObject[];
  /** Builds the reconciler's deps; may be left out where it has none. */
  readonly deps?: (world: World) => Deps;
  readonly config?: Config;
  /** RFC 3339; 2024-01-01T00:00:00Z unless told. */
  readonly now?: string;
  readonly induce?: readonly Induce[];
}

/** Everything that one pass did. */
export interface Report<T extends KubeObject> {
  readonly creates: readonly KubeObject[];
  readonly updates: readonly KubeObject[];
  readonly statusUpdates: readonly KubeObject[];
  readonly patches: readonly Action[];
  readonly deletes: readonly Action[];
  /** All writes in their order. */
  readonly actions: readonly Action[];
  /** "Normal Created Created Deployment ..." */
  readonly events: readonly string[];
  /** What `reconcile` returned; undefined when it threw or was not called. */
  readonly outcome: Outcome<T> | undefined;
  /** What the pass failed with. */
  readonly error: unknown;
  readonly client: FakeClient;
}

/**
 * Runs one pass exactly as the controller would (finalizer, filter, single status write) against a fake API server
 * and frozen caches, and reports what it did.
 */
export async function reconcileOnce<T extends KubeObject, Deps, Config>(row: Row<T, Deps, Config>): Promise<Report<T>> {
  const client = fakeClient(row.objects, row.induce);
  const informers = fakeInformers(row.objects);
  const clock = fakeClock(row.now === undefined ? undefined : Date.parse(row.now));
  const events: string[] = [];
  const recorder: EventRecorder = {
    normal: (reason, message) => events.push(`Normal ${reason} ${message}`),
    warning: (reason, message) => events.push(`Warning ${reason} ${message}`),
  };
  let outcome: Outcome<T> | undefined;
  const pass = createPass<T, Deps, Config>(
    {
      ...row,
      deps: row.deps?.({ client, informers, clock }) as Deps,
      reconcile: async (object, deps, pass) => {
        outcome = await row.reconcile(object, deps, pass);
        return outcome;
      },
    },
    {
      client,
      lister: informers.of(row.kind),
      config: () => row.config as Config,
      ownership: { owns: () => true },
      clock,
      log: silentLogger,
      recorderOf: () => recorder,
      signal: new AbortController().signal,
    },
  );
  const result = await pass(row.key);
  const of = (verb: Action["verb"]) => client.actions.filter((action) => action.verb === verb);
  const objectsOf = (verb: Action["verb"]) => of(verb).map((action) => action.object!);
  return {
    creates: objectsOf("create"),
    updates: objectsOf("update"),
    statusUpdates: objectsOf("updateStatus"),
    patches: of("patch"),
    deletes: [...of("delete"), ...of("deleteCollection")],
    actions: client.actions,
    events,
    outcome,
    error: result.type === "failed" ? result.error : undefined,
    client,
  };
}
