import { apiVersionOf, type Kind } from "../../apis/kind.ts";
import type { KubeObject } from "../../apis/meta.ts";
import type { Client, DeleteOptions, ListOptions, ObjectRef, Patch, Resource, WriteOptions } from "../../kube/api.ts";
import { untilAborted } from "../../lib/until-aborted.ts";
import type { Api, Call, User } from "./call.ts";
import { writeOptionsOf } from "./call.ts";
import { deleteOptionsOf, removeCollection } from "./delete.ts";
import { discover } from "./discovery.ts";
import { performExtra } from "./extras.ts";
import { filterOf, getEntry, listPage, parseRevision } from "./list.ts";
import type { PatchType } from "./patch.ts";
import { atVersion, type Place } from "./place.ts";
import { parseResourcePath } from "./request-info.ts";
import type { Item, ServedResource } from "./resource.ts";
import { writeScale } from "./scale.ts";
import type { TokenSigner } from "./service-account-tokens.ts";
import { gone, noSuchPath } from "./status-errors.ts";
import type { Change, Stored } from "./storage.ts";
import { cloneJson } from "./typed-values.ts";
import { writeObject } from "./verbs.ts";
import { seenAs, stateOf } from "./watch.ts";

const administrator: User = { username: "system:admin", groups: ["system:masters", "system:authenticated"] };

type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * A client for the controllers of the API server's own process: an administrator whose calls skip HTTP and JSON, and are
 * decoded, admitted, validated and stored like those of anybody else. The objects that it hands out are those of the
 * store: they must not be modified.
 */
export function createOwnClient(api: Api, signer: TokenSigner, userAgent: string): Client {
  const closed = new AbortController();
  const callOf = (parameters: Parameters, signal: AbortSignal | undefined): Call => {
    closed.signal.throwIfAborted();
    signal?.throwIfAborted();
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined && value !== "") query.set(name, String(value));
    }
    return {
      user: administrator,
      query,
      userAgent,
      signal: closed.signal,
      warn() {},
    };
  };
  const serving = (kind: Pick<Kind, "group" | "version" | "plural">): ServedResource => {
    const resource = api.registry.find(kind.group, kind.version, kind.plural);
    if (!resource) throw noSuchPath();
    return resource;
  };

  const of = <T extends KubeObject>(kind: Kind<T>): Resource<T> => {
    const apiVersion = apiVersionOf(kind);
    const placeOf = ({ name, namespace = "" }: ObjectRef, subresource = ""): Place => ({
      resource: serving(kind),
      namespace: kind.namespaced ? namespace : "",
      name,
      subresource,
    });
    const outgoing = (resource: ServedResource, entry: Stored) =>
      atVersion(resource, entry.object as Item) as object as T;
    const write = async (
      verb: "create" | "update" | "patch",
      ref: ObjectRef,
      body: object,
      options: WriteOptions & { readonly patch?: PatchType; readonly force?: boolean } = {},
    ): Promise<T> => {
      const { dryRun, fieldManager, force, patch, subresource, signal } = options;
      const call = callOf({ dryRun: dryRun ? "All" : undefined, fieldManager, force: force || undefined }, signal);
      const place = placeOf(ref, subresource);
      const sent = cloneJson(body);
      if (subresource === "scale") {
        return (await writeScale(api, call, place, patch, sent, writeOptionsOf(call, "UpdateOptions"))) as object as T;
      }
      const { entry } = await writeObject(api, call, place, verb, () => sent, patch);
      return outgoing(place.resource, entry);
    };
    const whole = (object: T) =>
      object.apiVersion && object.kind ? object : { ...object, apiVersion, kind: kind.kind };

    return {
      kind,
      async get(ref, signal) {
        callOf({}, signal);
        const { resource, namespace, name } = placeOf(ref);
        return outgoing(resource, getEntry(api, resource, namespace, name));
      },
      async list(options = {}) {
        const resource = serving(kind);
        const call = callOf(listParameters(options), options.signal);
        const page = listPage(api, call, resource, options.namespace ?? "");
        return {
          apiVersion,
          kind: `${kind.kind}List`,
          metadata: { resourceVersion: String(page.revision), ...(page.continue && { continue: page.continue }) },
          items: page.entries.map((entry) => outgoing(resource, entry)),
        };
      },
      async watch(options, onEvent) {
        const resource = serving(kind);
        const { query } = callOf(listParameters(options), options.signal);
        const signal = options.signal ? AbortSignal.any([options.signal, closed.signal]) : closed.signal;
        const { namespace = "" } = options;
        const filter = filterOf(resource, namespace, query);
        const hand = (change: Change) => {
          const seen = signal.aborted ? undefined : seenAs(change, filter);
          if (seen) onEvent({ type: seen[0], object: outgoing(resource, seen[1]) });
        };
        const from = parseRevision(options.resourceVersion ?? "");
        const before = from === 0 ? stateOf(api, resource, namespace) : api.cache.since(resource.key, from);
        if (!before) throw gone(`too old resource version: ${from} (${api.storage.revision})`);
        const ended = Promise.withResolvers<void>();
        let waiting: Change[] = [...before];
        // Handed on when the commit that they are part of is over, as they would come through a connection.
        const drain = () => {
          const changes = waiting;
          waiting = [];
          try {
            for (const change of changes) hand(change);
          } catch (error) {
            ended.reject(error);
          }
        };
        const unsubscribe = api.cache.subscribe(resource.key, (change) => {
          if (waiting.push(change) === 1) queueMicrotask(drain);
        });
        const { timeoutSeconds } = options;
        const cancel = timeoutSeconds ? api.clock.setTimer(timeoutSeconds * 1000, ended.resolve) : () => {};
        drain();
        try {
          await Promise.race([ended.promise, untilAborted(signal)]);
          signal.throwIfAborted();
        } finally {
          unsubscribe();
          cancel();
        }
      },
      create: (object, options) => write("create", { name: "", ...namespaceOf(object) }, whole(object), options),
      update: (object, options) => write("update", object.metadata, whole(object), options),
      updateStatus: (object, options) =>
        write("update", object.metadata, whole(object), { ...options, subresource: "status" }),
      patch: (ref, patch: Patch, options = {}) => {
        const force = patch.type === "apply" && patch.force === true;
        const fieldManager = options.fieldManager ?? (patch.type === "apply" ? userAgent : undefined);
        const named = fieldManager && { fieldManager };
        return write("patch", ref, patch.body, { ...options, ...named, patch: patch.type, force });
      },
      async delete(ref, options = {}) {
        const call = callOf({}, options.signal);
        await writeObject(api, call, placeOf(ref), "delete", () => deleteBody(options), undefined);
      },
      async deleteCollection(options = {}) {
        const call = callOf(listParameters(options), options.signal);
        const place = placeOf({ name: "", ...(options.namespace && { namespace: options.namespace }) });
        await removeCollection(api, call, place, deleteOptionsOf(deleteBody(options), call.query));
      },
    };
  };

  return {
    of,
    async raw(method, path, body, signal) {
      const call = callOf({}, signal);
      const found = method === "GET" ? discover(api.registry, path, "") : undefined;
      if (found) return found.body;
      const info = parseResourcePath(path);
      if (!info) throw noSuchPath();
      const { group, version, resource: plural, namespace, name, subresource } = info;
      const resource = serving({ group, version, plural });
      const place: Place = { resource, namespace: resource.namespaced ? namespace : "", name, subresource };
      const performed = await performExtra(api, signer, call, place, method, () => cloneJson(body));
      if (!performed) throw noSuchPath();
      return performed.answer;
    },
    close: () => closed.abort(new Error("the client is closed")),
  };
}

function namespaceOf({ metadata: { namespace } }: KubeObject): { readonly namespace?: string } {
  return namespace ? { namespace } : {};
}

function listParameters(options: ListOptions): Parameters {
  const { labelSelector, fieldSelector, limit, resourceVersion } = options;
  return { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion };
}

function deleteBody({ propagationPolicy, gracePeriodSeconds, preconditions }: DeleteOptions): object {
  return { propagationPolicy, gracePeriodSeconds, preconditions };
}
