import type { ServerResponse } from "node:http";
import { type Api, type Call, isSet } from "./call.ts";
import { type Filter, filterOf, parseRevision } from "./list.ts";
import { jsonOf, partialMetadata, type View } from "./render.ts";
import { groupVersion, type Item, type ServedResource } from "./resource.ts";
import { forbiddenField, gone, invalidOptions } from "./status-errors.ts";
import { type Change, type Stored, withObject } from "./storage.ts";
import { makeTable } from "./tables/table.ts";

const bookmarkEveryMs = 60_000;
const minTimeoutMs = 1_800_000;
/** A client that is this far behind is cut off and has to list again. */
const maxBacklogBytes = 16 * 1024 * 1024;

/**
 * Answers a watch: the objects that are there (unless a resourceVersion tells where to go on), then every change.
 * Ends when the client's timeout is over, the client is gone or too slow, or the server closes.
 */
export function serveWatch(
  api: Api,
  call: Call,
  resource: ServedResource,
  namespace: string,
  view: View,
  response: ServerResponse,
): Promise<void> {
  const { query } = call;
  const filter = filterOf(resource, namespace, query);
  const from = parseRevision(query.get("resourceVersion") ?? "");
  const bookmarks = isSet(query, "allowWatchBookmarks");
  const initial = query.get("sendInitialEvents");
  if (initial !== null && query.get("resourceVersionMatch") !== "NotOlderThan") {
    const why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
    throw invalidOptions("ListOptions", forbiddenField("resourceVersionMatch", why));
  }
  const startsWithState = initial === null ? from === 0 : initial === "true";
  const past = startsWithState || from === 0 ? [] : api.cache.since(resource.key, from);
  const encode = encoderOf(api, resource, view);
  response.writeHead(200, { "content-type": "application/json", "transfer-encoding": "chunked" });
  response.flushHeaders();
  if (!past) {
    const { status } = gone(`too old resource version: ${from} (${api.storage.revision})`);
    response.end(`${JSON.stringify({ type: "ERROR", object: status })}\n`);
    return Promise.resolve();
  }

  return new Promise((resolve) => {
    let sent = Math.max(from, startsWithState ? api.storage.revision : from);
    const write = (line: string) => {
      response.write(line);
      if (response.writableLength > maxBacklogBytes) response.destroy();
    };
    const deliver = (change: Change) => {
      if (change.revision <= sent) return;
      sent = change.revision;
      const line = encode(change, filter);
      if (line) write(line);
    };
    const bookmark = (annotations?: Record<string, string>) =>
      write(bookmarkLine(resource, view, Math.max(sent, api.storage.revision), annotations));

    if (startsWithState) {
      for (const change of stateOf(api, resource, namespace)) {
        const line = encode(change, filter);
        if (line) write(line);
      }
    }
    for (const change of past) deliver(change);
    if (initial === "true") bookmark({ "k8s.io/initial-events-end": "true" });

    const unsubscribe = api.cache.subscribe(resource.key, deliver);
    const askedSeconds = Number(query.get("timeoutSeconds") ?? 0) || 0;
    const timeoutMs = askedSeconds > 0 ? askedSeconds * 1000 : minTimeoutMs * (1 + Math.random());
    const cancelTimeout = api.clock.setTimer(timeoutMs, () => finish());
    let cancelBookmark = () => {};
    const scheduleBookmark = () => {
      cancelBookmark = api.clock.setTimer(bookmarkEveryMs, () => {
        bookmark();
        scheduleBookmark();
      });
    };
    if (bookmarks) scheduleBookmark();
    const finish = () => {
      unsubscribe();
      cancelTimeout();
      cancelBookmark();
      call.signal.removeEventListener("abort", finish);
      response.off("close", finish);
      response.end();
      resolve();
    };
    call.signal.addEventListener("abort", finish, { once: true });
    response.once("close", finish);
    if (call.signal.aborted || response.destroyed) finish();
  });
}

/** The objects that there are, as changes that have just made them. */
export function stateOf(api: Api, resource: ServedResource, namespace: string): Change[] {
  const entries = api.storage.list(resource.key, namespace);
  return entries.map((entry) => ({ type: "ADDED", revision: entry.revision, entry, previous: undefined }));
}

type Encoder = (change: Change, filter: Filter) => string | undefined;

/** Texts of whole-object events, shared by all watches: each change is serialised once. */
const lines = new WeakMap<Change, Map<string, string>>();

function encoderOf(api: Api, resource: ServedResource, view: View): Encoder {
  let headed = false;
  return (change, filter) => {
    const seen = seenAs(change, filter);
    if (!seen) return undefined;
    const [type, entry] = seen;
    if (view.as === "Object") return sharedLine(resource, change, type, entry);
    const item = entry.object as Item;
    if (view.as === "PartialObjectMetadata") {
      return `${JSON.stringify({ type, object: partialMetadata(item, view.version) })}\n`;
    }
    const metadata = { resourceVersion: item.metadata.resourceVersion ?? "" };
    const table = makeTable(resource, [item], view, api.clock.now(), metadata);
    // Columns are told once; the client remembers them.
    const object = headed ? { ...table, columnDefinitions: null } : table;
    headed = true;
    return `${JSON.stringify({ type, object })}\n`;
  };
}

function sharedLine(resource: ServedResource, change: Change, type: string, entry: Stored): string {
  let texts = lines.get(change);
  if (!texts) {
    texts = new Map();
    lines.set(change, texts);
  }
  const key = `${type} ${resource.version}`;
  let line = texts.get(key);
  if (line === undefined) {
    line = `{"type":"${type}","object":${jsonOf(resource, entry)}}\n`;
    texts.set(key, line);
  }
  return line;
}

/** What a change looks like to a watch that selects: objects enter and leave the selection. */
export function seenAs(change: Change, filter: Filter): [Change["type"], Stored] | undefined {
  const { entry, previous } = change;
  const is = change.type !== "DELETED" && filter(entry);
  const was = previous !== undefined && filter(previous);
  if (is) return [was ? "MODIFIED" : "ADDED", entry];
  if (!was) return undefined;
  if (change.type === "DELETED") return ["DELETED", entry];
  // It left the selection: its last selected state, at the revision of the change.
  const metadata = { ...previous.object.metadata, resourceVersion: String(change.revision) };
  const object = { ...previous.object, metadata };
  return ["DELETED", withObject({ ...previous, revision: change.revision }, object)];
}

function bookmarkLine(
  resource: ServedResource,
  view: View,
  revision: number,
  annotations?: Record<string, string>,
): string {
  const metadata = { resourceVersion: String(revision), ...(annotations && { annotations }) };
  if (view.as === "Table") {
    const row = { cells: [], object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata } };
    const object = {
      kind: "Table",
      apiVersion: `meta.k8s.io/${view.version}`,
      metadata: { resourceVersion: String(revision) },
      columnDefinitions: null,
      rows: [row],
    };
    return `${JSON.stringify({ type: "BOOKMARK", object })}\n`;
  }
  const object =
    view.as === "PartialObjectMetadata"
      ? { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${view.version}`, metadata }
      : { kind: resource.kind, apiVersion: groupVersion(resource), metadata };
  return `${JSON.stringify({ type: "BOOKMARK", object })}\n`;
}
