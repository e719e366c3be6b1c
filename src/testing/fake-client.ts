import fastJsonPatch from "fast-json-patch";
import { apiVersionOf, type Kind, resourceNameOf } from "../apis/kind.ts";
import { type KubeObject, keyOf } from "../apis/meta.ts";
import type { Client, DeleteOptions, ObjectRef, Patch, Resource, WriteOptions } from "../kube/api.ts";
import { apiError } from "../kube/errors.ts";

export type Verb = "get" | "list" | "create" | "update" | "updateStatus" | "patch" | "delete" | "deleteCollection";

/** One write that was asked for, whether it succeeded or not. */
export interface Action {
  readonly verb: Exclude<Verb, "get" | "list">;
  /** The plural of the kind. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Of create, update and updateStatus. */
  readonly object?: KubeObject;
  readonly patch?: Patch;
  readonly subresource?: string;
  readonly options?: WriteOptions | DeleteOptions;
}

/** Makes requests fail. */
export interface Induce {
  readonly verb: Verb | "*";
  /** The plural of the kind, or "*". */
  readonly resource: string;
  /** A 500 "inducing failure for <verb> <resource>" unless told. */
  readonly error?: unknown;
  /** Only so many requests fail; all unless told. */
  readonly times?: number;
  /** Only such writes fail. */
  readonly when?: (action: Action) => boolean;
  /** The write is done all the same: only its answer is lost. */
  readonly isDone?: boolean;
}

export interface FakeClient extends Client {
  /** The writes in the order in which they were asked for. */
  readonly actions: readonly Action[];
  /** What the fake API server holds now. */
  stored<T extends KubeObject>(kind: Kind<T>, ref: ObjectRef): T | undefined;
}

/**
 * A client of an API server in memory, which holds copies of `objects`. It knows versions and conflicts, merge and
 * JSON patches (strategic and apply are merged likewise), but neither admission nor garbage collection.
 */
export function fakeClient(objects: readonly KubeObject[] = [], induce: readonly Induce[] = []): FakeClient {
  const store = new Map<string, KubeObject>();
  const actions: Action[] = [];
  const failuresLeft = induce.map((entry) => ({ ...entry, left: entry.times ?? Number.POSITIVE_INFINITY }));
  let version = 1000;

  const idOf = (apiVersion: string, kind: string, ref: ObjectRef) =>
    `${apiVersion} ${kind} ${keyOf({ metadata: ref })}`;
  for (const object of objects) {
    store.set(idOf(object.apiVersion, object.kind, object.metadata), structuredClone(object));
  }

  /** What a write under way fails with once it is done. */
  let lostAnswer: unknown;
  const failOnceDone = () => {
    const error = lostAnswer;
    lostAnswer = undefined;
    if (error !== undefined) throw error;
  };

  const failAsInduced = (verb: Verb, resource: string, action?: Action) => {
    const failure = failuresLeft.find(
      ({ left, when, ...entry }) =>
        left > 0 &&
        ["*", verb].includes(entry.verb) &&
        ["*", resource].includes(entry.resource) &&
        (!when || (action !== undefined && when(action))),
    );
    if (!failure) return;
    failure.left -= 1;
    if (failure.isDone) lostAnswer = failure.error;
    else throw failure.error ?? apiError(500, "InternalError", `inducing failure for ${verb} ${resource}`);
  };

  const of = <T extends KubeObject>(kind: Kind<T>): Resource<T> => {
    const apiVersion = apiVersionOf(kind);
    const id = (ref: ObjectRef) => idOf(apiVersion, kind.kind, ref);
    const details = (name: string) => ({ name, group: kind.group, kind: kind.plural });
    const mustFind = (ref: ObjectRef): T => {
      const found = store.get(id(ref));
      if (!found) throw apiError(404, "NotFound", `${resourceNameOf(kind)} "${ref.name}" not found`, details(ref.name));
      return structuredClone(found) as T;
    };
    const save = (object: T, options: WriteOptions): T => {
      const saved = structuredClone(object);
      saved.metadata.resourceVersion = String(version++);
      if (!options.dryRun) store.set(id(object.metadata), saved);
      failOnceDone();
      return structuredClone(saved);
    };
    const record = (verb: Action["verb"], ref: ObjectRef, rest: Partial<Action> = {}) => {
      const { name, namespace } = ref;
      const action = { verb, resource: kind.plural, namespace, name, ...structuredClone(withoutSignal(rest)) };
      actions.push(action);
      lostAnswer = undefined;
      failAsInduced(verb, kind.plural, action);
    };
    const replace = async (verb: "update" | "updateStatus", object: T, options: WriteOptions): Promise<T> => {
      record(verb, object.metadata, { object, options });
      const stored = mustFind(object.metadata);
      const sent = object.metadata.resourceVersion;
      if (sent && stored.metadata.resourceVersion && sent !== stored.metadata.resourceVersion) {
        const name = object.metadata.name;
        throw apiError(
          409,
          "Conflict",
          `Operation cannot be fulfilled on ${resourceNameOf(kind)} "${name}"`,
          details(name),
        );
      }
      if (verb === "update") return save(object, options);
      return save({ ...stored, status: (object as { status?: unknown }).status }, options);
    };

    return {
      kind,
      async get(ref) {
        failAsInduced("get", kind.plural);
        return mustFind(ref);
      },
      async list(options = {}) {
        failAsInduced("list", kind.plural);
        const wanted = (options.labelSelector ?? "").split(",").filter((term) => term !== "");
        const items = [...store.values()].filter(
          ({ apiVersion: version, kind: name, metadata }) =>
            version === apiVersion &&
            name === kind.kind &&
            (options.namespace === undefined || metadata.namespace === options.namespace) &&
            wanted.every((term) => metadata.labels?.[term.split("=")[0]!] === term.slice(term.indexOf("=") + 1)),
        );
        const metadata = { resourceVersion: String(version) };
        return { apiVersion, kind: `${kind.kind}List`, metadata, items: structuredClone(items) as T[] };
      },
      async watch() {
        throw new Error("the fake client has no watches: use fakeInformers");
      },
      async create(object, options = {}) {
        record("create", object.metadata, { object, options });
        const { name } = object.metadata;
        if (store.has(id(object.metadata))) {
          throw apiError(409, "AlreadyExists", `${resourceNameOf(kind)} "${name}" already exists`, details(name));
        }
        return save({ ...object, apiVersion, kind: kind.kind }, options);
      },
      update: (object, options = {}) =>
        replace(options.subresource === "status" ? "updateStatus" : "update", object, options),
      updateStatus: (object, options = {}) => replace("updateStatus", object, options),
      async patch(ref, patch, options = {}) {
        record("patch", ref, { patch, options, ...(options.subresource && { subresource: options.subresource }) });
        if (patch.type === "apply" && !store.has(id(ref))) return save(patch.body as T, options);
        const stored = mustFind(ref);
        const patched =
          patch.type === "json"
            ? fastJsonPatch.applyPatch(stored, structuredClone(patch.body) as fastJsonPatch.Operation[]).newDocument
            : (mergePatch(stored, patch.body) as T);
        return save(patched, options);
      },
      async delete(ref, options = {}) {
        record("delete", ref, { options });
        mustFind(ref);
        store.delete(id(ref));
        failOnceDone();
      },
      async deleteCollection(options = {}) {
        record(
          "deleteCollection",
          { name: "", ...(options.namespace && { namespace: options.namespace }) },
          { options },
        );
        for (const object of (await of(kind).list(options)).items) store.delete(id(object.metadata));
      },
    };
  };

  return {
    actions,
    of,
    async raw(method, path) {
      const [, group, plural, name = ""] =
        /^\/apis\/([^/]+)\/[^/]+\/namespaces\/[^/]+\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
      if (method === "GET" && plural) throw apiError(404, "NotFound", `${plural}.${group} "${name}" not found`);
      throw apiError(404, "NotFound", `the fake client has no ${method} ${path}`);
    },
    close() {},
    stored: <T extends KubeObject>(kind: Kind<T>, ref: ObjectRef) =>
      structuredClone(store.get(idOf(apiVersionOf(kind), kind.kind, ref))) as T | undefined,
  };
}

/** Signals cannot be copied, and no test looks at them; options without content say nothing. */
function withoutSignal(action: Partial<Action>): Partial<Action> {
  const { options, ...rest } = action;
  const { signal: _, ...kept } = options ?? {};
  return Object.keys(kept).length === 0 ? rest : { ...rest, options: kept };
}

/** Applies a JSON merge patch (RFC 7396). */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return structuredClone(patch);
  const base = typeof target === "object" && target !== null && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}
