import { CustomResourceDefinition } from "../../../apis/core/customresourcedefinition.ts";
import { apiVersionOf, resourceNameOf } from "../../../apis/kind.ts";
import { type KubeObject, keyOf, type OwnerReference } from "../../../apis/meta.ts";
import type { Change, Informer } from "../../../kube/api.ts";
import { createInformers } from "../../../kube/informer.ts";
import { pause } from "../../../lib/clock.ts";
import { untilAborted } from "../../../lib/until-aborted.ts";
import type { BuiltinContext } from "../context.ts";
import { type DiscoveredKind, discoverKinds } from "../discovery.ts";

/** All objects of the cluster, and who belongs to whom. */
export interface OwnerGraph {
  kindOf(reference: Pick<OwnerReference, "apiVersion" | "kind">): DiscoveredKind | undefined;
  find(id: string): { readonly object: KubeObject; readonly kind: DiscoveredKind } | undefined;
  byUid(uid: string): KubeObject | undefined;
  dependentsOf(uid: string): { readonly id: string; readonly object: KubeObject; readonly kind: DiscoveredKind }[];
  /** Calls back for every object and change; returns the way to stop. */
  onChange(handler: (change: Change<KubeObject>, id: string) => void): () => void;
}

const byOwner = "owner";
const byUid = "uid";

/** The name of an object among all: its kind and key. */
function idOf(kind: DiscoveredKind, object: KubeObject): string {
  return `${kind.group}/${kind.plural} ${keyOf(object)}`;
}

/** Events have owners in no case, and there are many of them. */
const ignored = new Set(["events"]);

/** Follows every kind there is, those of custom resources as they come and go. */
export function createOwnerGraph(context: BuiltinContext): OwnerGraph & { readonly done: Promise<void> } {
  const { client, clock, signal } = context;
  const log = context.log.child({ "knative.dev/controller": "garbage-collector" });
  const definitions = context.informers.of(CustomResourceDefinition);
  const followed = new Map<
    string,
    { kind: DiscoveredKind; informer: Informer<KubeObject>; stop: () => Promise<void> }
  >();
  const handlers = new Set<(change: Change<KubeObject>, id: string) => void>();

  const follow = (kind: DiscoveredKind) => {
    const id = `${kind.group}/${kind.plural}`;
    if (followed.has(id) || ignored.has(kind.plural)) return;
    // What is built in never goes away, and others follow it, too: one cache is enough.
    const custom = definitions.get({ name: resourceNameOf(kind) }) !== undefined;
    const ended = new AbortController();
    const informers = custom
      ? createInformers({ client, clock, log, signal: AbortSignal.any([signal, ended.signal]) })
      : context.informers;
    // Whoever has to know all owners has to see all Secrets too, though nothing but their metadata is looked at.
    const secrets = kind.group === "" && kind.plural === "secrets";
    const informer = informers.of<KubeObject>(kind, secrets ? { fieldSelector: "metadata.name!=" } : {});
    informer.addIndex(byOwner, ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid));
    informer.addIndex(byUid, ({ metadata }) => [metadata.uid ?? ""]);
    informer.onChange((change) => {
      for (const handler of handlers) handler(change, idOf(kind, change.object));
    });
    const stop = async () => {
      ended.abort();
      if (custom) await informers.done();
    };
    followed.set(id, { kind, informer, stop });
  };

  const discover = async (): Promise<void> => {
    await definitions.synced;
    const kinds = await discoverKinds(client, signal);
    for (const kind of kinds) follow(kind);
    const present = new Set(kinds.map(({ group, plural }) => `${group}/${plural}`));
    for (const [id, { stop }] of followed) {
      if (present.has(id)) continue;
      followed.delete(id);
      void stop();
    }
  };
  // One discovery at a time; changes meanwhile lead to one more.
  let running: Promise<void> | undefined;
  let again = false;
  const rediscover = (): void => {
    again = true;
    running ??= (async () => {
      while (again && !signal.aborted) {
        again = false;
        await discover().catch(async (error) => {
          if (signal.aborted) return;
          log.warn("discovery failed; it will be tried again", { error });
          again = true;
          await pause(clock, 1000, signal);
        });
      }
    })().finally(() => {
      running = undefined;
    });
  };
  const stopWatching = definitions.onChange(rediscover);
  rediscover();

  const done = untilAborted(signal).then(async () => {
    stopWatching();
    await running;
    await Promise.all([...followed.values()].map(({ stop }) => stop()));
  });

  return {
    kindOf: ({ apiVersion, kind }) => {
      const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
      const all = [...followed.values()].map((entry) => entry.kind);
      return (
        all.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion) ??
        all.find((each) => each.kind === kind && each.group === group)
      );
    },
    find(id) {
      const [kindId = "", key = ""] = id.split(" ");
      const entry = followed.get(kindId);
      const [first = "", second] = key.split("/");
      const object = entry?.informer.get(second === undefined ? { name: first } : { namespace: first, name: second });
      return entry && object && { object, kind: entry.kind };
    },
    byUid(uid) {
      for (const { informer } of followed.values()) {
        const [found] = informer.byIndex(byUid, uid);
        if (found) return found;
      }
      return undefined;
    },
    dependentsOf: (uid) =>
      [...followed.values()].flatMap(({ kind, informer }) =>
        informer.byIndex(byOwner, uid).map((object) => ({ id: idOf(kind, object), object, kind })),
      ),
    onChange(handler) {
      handlers.add(handler);
      for (const { kind, informer } of followed.values()) {
        for (const object of informer.list()) handler({ type: "added", object }, idOf(kind, object));
      }
      return () => handlers.delete(handler);
    },
    done,
  };
}
