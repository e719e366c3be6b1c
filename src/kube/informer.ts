import { type Kind, resourceNameOf } from "../apis/kind.ts";
import type { KubeList, KubeObject } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { Client, Informer, InformerSelection, Informers, WatchEvent } from "./api.ts";
import { type Backoff, backoffMs, serverBackoff } from "./backoff.ts";
import { type Cache, createCache } from "./cache.ts";
import { ApiError, ConnectionError, isGone } from "./errors.ts";
import { createOutage, type Outage } from "./outage.ts";
import { SilenceError } from "./watch.ts";

export interface InformersConfig {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends all watches. */
  readonly signal: AbortSignal;
  /** Between attempts; 0.1 to 5 s unless told. */
  readonly backoff?: Backoff;
  /**
   * How long a watch may be silent before it is begun anew: kube-apiserver sends a bookmark of what it caches every one
   * to two minutes. 180 s unless told.
   */
  readonly inactivityMs?: number;
  /** Objects per page of a list; 500 unless told. */
  readonly pageSize?: number;
  readonly random?: () => number;
  /** Deep-freezes cached objects (tests). */
  readonly freeze?: boolean;
}

/** What all informers have in common. */
interface SharedConfig extends InformersConfig {
  readonly outage: Outage;
}

/** A watch that ends sooner than this without a single event counts as one more failure, so that no loop is hot. */
const shortWatchMs = 1000;

/** So many silent watches in a row: the version may be one that the server, restored from a backup, has yet to reach. */
const mostSilences = 2;

/**
 * Shared caches that follow the API server until `signal` aborts: paged list, then a watch that is resumed from the
 * last resourceVersion after any end. When that version is too old (410) the list is read anew: the cache stays
 * readable meanwhile, and handlers get the differences only. Failures are retried for ever with jittered back-off; after
 * an outage all caches catch up together.
 */
export function createInformers(config: InformersConfig): Informers {
  const started = new Map<string, StartedInformer<KubeObject>>();
  const shared: SharedConfig = { ...config, outage: createOutage(config.clock, config.signal) };

  return {
    of<T extends KubeObject>(kind: Kind<T>, selection: InformerSelection = {}): Informer<T> {
      if (isSecret(kind) && !selection.labelSelector && !selection.fieldSelector) {
        throw new Error("Secrets are never all cached: watch them by name (fieldSelector) or by label (labelSelector)");
      }
      const { namespace, labelSelector, fieldSelector, without } = selection;
      const { group, version, plural } = kind;
      const id = JSON.stringify([group, version, plural, namespace, labelSelector, fieldSelector, without]);
      let entry = started.get(id);
      if (!entry) {
        entry = startInformer(kind, selection, shared) as unknown as StartedInformer<KubeObject>;
        started.set(id, entry);
      }
      return entry.informer as unknown as Informer<T>;
    },
    learn(kind, object) {
      for (const { informer, learn } of started.values()) {
        if (isSameKind(informer.kind, kind)) learn(object);
      }
    },
    async synced() {
      // Whoever is told that one is synced may ask for another.
      for (let count = -1; count !== started.size; ) {
        count = started.size;
        await Promise.all([...started.values()].map(({ informer }) => informer.synced));
      }
    },
    async done() {
      await Promise.all([...started.values()].map(({ ended }) => ended));
    },
  };
}

function isSecret(kind: Kind): boolean {
  return kind.group === "" && kind.kind === "Secret";
}

function isSameKind(a: Kind, b: Kind): boolean {
  return a.kind === b.kind && a.group === b.group && a.version === b.version;
}

interface StartedInformer<T extends KubeObject> {
  readonly informer: Informer<T>;
  readonly learn: (object: T) => void;
  readonly ended: Promise<void>;
}

function startInformer<T extends KubeObject>(
  kind: Kind<T>,
  selection: InformerSelection,
  config: SharedConfig,
): StartedInformer<T> {
  const log = config.log.child({ resource: resourceNameOf(kind) });
  const onHandlerError = (error: unknown) => log.error("a handler of a change failed", { error });
  const cache = createCache<T>({ onHandlerError, freeze: config.freeze ?? false });
  const position: Position = { version: undefined };
  const synced = Promise.withResolvers<void>();
  // Without a listener the rejection at the end of the program would count as unhandled.
  synced.promise.catch(() => {});

  const ended = follow(kind, selection, config, cache, position, log, synced.resolve).finally(() =>
    synced.reject(new Error(`${resourceNameOf(kind)}: stopped before the first list was read`)),
  );
  const learn = (object: T) => {
    if (!isSelected(object, selection) || position.version === undefined) return;
    // What the cache lacks was deleted since, if the watch is past it.
    if (!isOlder(cache.get(object.metadata) ?? position.version, object)) return;
    cache.put(reduce(object, selection.without));
  };
  return { informer: { ...cache, kind, synced: synced.promise }, learn, ended };
}

/** How far an informer has followed its kind: the version that a watch goes on from; undefined while a list is needed. */
interface Position {
  version: string | undefined;
}

/** Keeps the cache equal to the server's objects until the signal aborts. */
async function follow<T extends KubeObject>(
  kind: Kind<T>,
  { without, ...selection }: InformerSelection,
  config: SharedConfig,
  cache: Cache<T>,
  position: Position,
  log: Logger,
  onSynced: () => void,
): Promise<void> {
  const { client, clock, signal, outage, random = Math.random } = config;
  const { backoff = serverBackoff, inactivityMs = 180_000, pageSize = 500 } = config;
  const resource = client.of(kind);
  let failures = 0;
  let silences = 0;
  let reached = true;

  const noteAnswer = () => {
    if (!reached) outage.over();
    reached = true;
  };

  const list = async (limit: number | undefined): Promise<string> => {
    const objects: T[] = [];
    let page: KubeList<T> | undefined;
    do {
      const next = page?.metadata.continue;
      page = await resource.list({ ...selection, signal, ...(limit && { limit }), ...(next && { continue: next }) });
      for (const object of page.items) objects.push(reduce(object, without));
    } while (page.metadata.continue);
    cache.replace(objects);
    return page.metadata.resourceVersion;
  };

  const take = (event: WatchEvent<T>) => {
    if (signal.aborted) return;
    noteAnswer();
    if (event.type === "ERROR") throw new ApiError(event.object.code ?? 500, event.object, { request: "watch" });
    failures = 0;
    silences = 0;
    position.version = event.object.metadata.resourceVersion;
    if (event.type === "BOOKMARK") return;
    // The cache is ahead where the program itself has written.
    const cached = cache.get(event.object.metadata);
    if (cached && isOlder(event.object, cached)) return;
    const object = reduce(event.object, without);
    if (event.type === "DELETED") cache.remove(object);
    else cache.put(object);
  };

  while (!signal.aborted) {
    const resumes = position.version !== undefined;
    let watchedSinceMs: number | undefined;
    const wasWatched = () => watchedSinceMs !== undefined && clock.monotonic() - watchedSinceMs >= shortWatchMs;
    try {
      if (position.version === undefined) {
        // A list that takes so long that its pages expire is read again in one piece.
        position.version = await list(pageSize).catch((error) =>
          isGone(error) ? list(undefined) : Promise.reject(error),
        );
        noteAnswer();
        onSynced();
      }
      watchedSinceMs = clock.monotonic();
      const timeoutSeconds = 300 + Math.floor(random() * 300);
      const options = { ...selection, resourceVersion: position.version!, timeoutSeconds, inactivityMs, signal };
      await resource.watch(options, take);
      failures = wasWatched() ? 0 : failures + 1;
    } catch (error) {
      if (signal.aborted) return;
      const isSilence = error instanceof SilenceError;
      if (error instanceof ConnectionError) reached = isSilence;
      else noteAnswer();
      // kube-apiserver sends no bookmarks of Events, which it does not cache, so theirs is no failure.
      if (isSilence) failures = 0;
      else if (wasWatched() || (resumes && isGone(error))) failures = 1;
      else failures += 1;
      if (isSilence) silences += 1;
      if (isGone(error) || silences >= mostSilences) {
        position.version = undefined;
        silences = 0;
        log[isSilence ? "debug" : "info"]("the watch cannot go on from where it was: reading the list again", {
          error,
        });
      } else {
        log[failures > 2 ? "warn" : "debug"]("the watch broke off; it will be resumed", { error, failures });
      }
    }
    if (failures > 0) await outage.wait(backoffMs(backoff, failures, random), reached);
  }
}

/**
 * A new object without what is not cached. managedFields never are: nobody here reads them, they are up to half of an
 * object, and a server takes their absence in an update as "keep". Objects are made anew on the way to what is left out: one
 * that a field was deleted from takes ten times as much memory as one that never had it.
 */
function reduce<T extends KubeObject>(object: T, without: readonly string[] = []): T {
  const paths = ["metadata.managedFields", ...without].map((path) => path.split("."));
  return paths.reduce<Fields>(omit, object as unknown as Fields) as unknown as T;
}

type Fields = Readonly<Record<string, unknown>>;

function omit(fields: Fields, [name = "", ...rest]: readonly string[]): Fields {
  const { [name]: value, ...others } = fields;
  if (value === undefined) return fields;
  return rest.length === 0 ? others : { ...fields, [name]: omit(value as Fields, rest) };
}

/**
 * Whether one version of a kind came before another. They are compared as numbers, as kube-apiserver makes them; of
 * versions that are none this says no, and caches follow the watch alone.
 */
function isOlder(one: KubeObject | string, other: KubeObject): boolean {
  const version = typeof one === "string" ? one : one.metadata.resourceVersion;
  return Number(version) < Number(other.metadata.resourceVersion);
}

/** Whether an informer's selection covers an object, as far as that can be told here. */
function isSelected({ metadata }: KubeObject, { namespace, labelSelector, fieldSelector }: InformerSelection): boolean {
  if (fieldSelector || (namespace && namespace !== metadata.namespace)) return false;
  // The only selectors in use ask for a label's presence.
  return !labelSelector || (/^[\w./-]+$/.test(labelSelector) && metadata.labels?.[labelSelector] !== undefined);
}
