import http from "node:http";
import type { AddressInfo } from "node:net";
import { type KubeObject, keyOf } from "../apis/meta.ts";
import type { Connection } from "../kube/credentials.ts";

/** What to do to a request instead of answering it. */
export type Fault =
  | { readonly type: "status"; readonly code: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** The connection is reset before any byte of the answer. */
  | { readonly type: "reset" }
  /** The headers never come. */
  | { readonly type: "hang" }
  /** 200, and a body that is no JSON. */
  | { readonly type: "garbage" }
  /** 200, and a body that breaks off. */
  | { readonly type: "truncated" };

/** How a watch dies: in order, by a reset, in the middle of an event, by an unreadable one, or without a word. */
export type WatchEnd = "end" | "reset" | "midEvent" | "garbage" | "silence";

export type RequestType = "list" | "watch" | "other";

export interface SeenRequest {
  readonly type: RequestType;
  readonly method: string;
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** An API server of one collection, in memory, that keeps its objects right and everything else as wrong as asked. */
export interface HostileServer {
  readonly connection: Connection;
  readonly requests: readonly SeenRequest[];
  /** The truth. */
  objects(): KubeObject[];
  /** Creates or changes an object (a new uid if it was gone), and tells the watches. */
  /** Returns what the API server would answer to the write. */
  put(name: string, data: string): KubeObject;
  remove(name: string): void;
  /** Sends a bookmark to all watches. */
  bookmark(): void;
  /** Forgets the past: older resourceVersions and continue tokens are answered with 410. */
  compact(): void;
  /** Begins counting versions anew, as a server that was restored from a backup; watches fall silent. */
  rewind(): void;
  /** Sends the last `count` events once more. */
  repeat(count: number): void;
  breakWatches(how: WatchEnd): void;
  /** The next request of this type meets this fault. */
  failNext(type: RequestType, fault: Fault): void;
  watches(): number;
  /** Connections accepted so far. */
  connections(): number;
  /** Resolves when the next request of this type has come in. */
  nextRequest(type: RequestType): Promise<SeenRequest>;
  /** Resets everything and refuses connections until `start`. */
  stop(): Promise<void>;
  /** Listens again, on the same port and with the same objects. */
  start(): Promise<void>;
}

interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly at: number;
  readonly object: KubeObject;
}

export interface HostileServerOptions {
  /** Demanded of every request (401 otherwise). */
  readonly token?: () => string;
  /** Versions that grow, as kube-apiserver's; opaque ones unless told. */
  readonly areVersionsNumbers?: boolean;
}

/** Starts the server on a loopback port of its own. */
export async function startHostileServer(options: HostileServerOptions = {}): Promise<HostileServer> {
  const objects = new Map<string, KubeObject>();
  const watches = new Set<http.ServerResponse>();
  const requests: SeenRequest[] = [];
  const faults: { type: RequestType; fault: Fault }[] = [];
  const waiting: { type: RequestType; resolve: (request: SeenRequest) => void }[] = [];
  const pages = new Map<string, { rest: KubeObject[]; version: string }>();
  let history: Change[] = [];
  let compactedAt = 0;
  let now = 0;
  let uids = 0;
  let connections = 0;
  let port = 0;
  let server: http.Server | undefined;

  const versionAt = (at: number) =>
    options.areVersionsNumbers ? String(at) : `v${(at * 7919) % 100_003}.${at.toString(36)}`;
  const timeOf = (version: string) =>
    options.areVersionsNumbers ? Number(version) : Number.parseInt(version.split(".")[1] ?? "", 36);
  const line = (change: Pick<Change, "object"> & { type: string }) =>
    `${JSON.stringify({ type: change.type, object: change.object })}\n`;

  const happen = (type: Change["type"], object: KubeObject) => {
    const change = { type, at: now, object };
    history.push(change);
    for (const response of watches) response.write(line(change));
  };

  const status = (
    response: http.ServerResponse,
    code: number,
    reason: string,
    headers: http.OutgoingHttpHeaders = {},
  ) => {
    response.writeHead(code, { "content-type": "application/json", ...headers });
    const body = { apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", code, reason, message: reason };
    response.end(JSON.stringify(body));
  };

  const commit = (response: http.ServerResponse, fault: Fault) => {
    if (fault.type === "status") {
      const retry = fault.retryAfterSeconds;
      status(
        response,
        fault.code,
        fault.reason ?? "Failure",
        retry === undefined ? {} : { "retry-after": String(retry) },
      );
    } else if (fault.type === "reset") {
      response.socket?.resetAndDestroy();
    } else if (fault.type !== "hang") {
      response.writeHead(200, { "content-type": "application/json" });
      response.write(fault.type === "garbage" ? "<html>\n" : '{"kind":"Li', () => {
        if (fault.type === "garbage") response.end();
        else response.socket?.resetAndDestroy();
      });
    }
  };

  const list = (url: URL, response: http.ServerResponse) => {
    const token = url.searchParams.get("continue");
    const limit = Number(url.searchParams.get("limit") ?? Number.POSITIVE_INFINITY);
    const page = token ? pages.get(token) : { rest: [...objects.values()], version: versionAt(now) };
    if (!page) return status(response, 410, "Expired");
    const items = page.rest.slice(0, limit);
    const rest = page.rest.slice(limit);
    const next = rest.length > 0 ? `page-${pages.size}-${now}` : undefined;
    if (next) pages.set(next, { rest, version: page.version });
    const metadata = { resourceVersion: page.version, ...(next && { continue: next }) };
    // Like a real server, lists leave out what every item would repeat.
    const bare = items.map(({ apiVersion: _, kind: __, ...object }) => object);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ apiVersion: "test.dev/v1", kind: "ThingList", metadata, items: bare }));
  };

  const watch = (url: URL, response: http.ServerResponse) => {
    const since = timeOf(url.searchParams.get("resourceVersion") ?? "");
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (!(since >= compactedAt)) {
      const object = {
        apiVersion: "v1",
        kind: "Status",
        metadata: {},
        status: "Failure",
        code: 410,
        reason: "Expired",
      };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    for (const change of history) if (change.at > since) response.write(line(change));
    watches.add(response);
    response.on("close", () => watches.delete(response));
  };

  const answer = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => {
    const url = new URL(request.url!, "http://server");
    const method = request.method!;
    const reads = method === "GET" && url.pathname.endsWith("/things");
    const type = reads ? (url.searchParams.get("watch") === "true" ? "watch" : "list") : "other";
    const seen: SeenRequest = { type, method, url, headers: request.headers, body };
    requests.push(seen);
    for (const waiter of waiting.filter((waiter) => waiter.type === type)) {
      waiting.splice(waiting.indexOf(waiter), 1);
      waiter.resolve(seen);
    }
    const at = faults.findIndex((fault) => fault.type === type);
    if (at >= 0) return commit(response, faults.splice(at, 1)[0]!.fault);
    if (options.token && request.headers.authorization !== `Bearer ${options.token()}`) {
      return status(response, 401, "Unauthorized");
    }
    if (type === "list") return list(url, response);
    if (type === "watch") return watch(url, response);
    const object = objects.get(decodeURIComponent(url.pathname.split("/").at(-1)!));
    if (method === "GET" && !object) return status(response, 404, "NotFound");
    // Writes are acknowledged, not done.
    response.writeHead(200, { "content-type": "application/json" });
    response.end(method === "GET" ? JSON.stringify(object) : body);
  };

  const start = async () => {
    const created = http.createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("error", () => {});
      response.on("error", () => {});
      request.on("end", () => answer(request, response, body));
    });
    created.on("connection", () => {
      connections += 1;
    });
    server = created;
    await new Promise<void>((resolve, reject) => {
      created.once("error", reject);
      created.listen(port, "127.0.0.1", resolve);
    });
    port = (created.address() as AddressInfo).port;
  };

  await start();
  return {
    connection: { server: `http://127.0.0.1:${port}` },
    requests,
    objects: () => [...objects.values()],
    put(name, data) {
      now += 1;
      const old = objects.get(name);
      const object = {
        apiVersion: "test.dev/v1",
        kind: "Thing",
        metadata: {
          name,
          namespace: "ns",
          uid: old?.metadata.uid ?? `uid-${uids++}`,
          resourceVersion: versionAt(now),
          managedFields: [],
        },
        data,
      };
      objects.set(name, object);
      happen(old ? "MODIFIED" : "ADDED", object);
      return structuredClone(object);
    },
    remove(name) {
      const old = objects.get(name);
      if (!old) return;
      now += 1;
      objects.delete(name);
      happen("DELETED", { ...old, metadata: { ...old.metadata, resourceVersion: versionAt(now) } });
    },
    bookmark() {
      const object = {
        apiVersion: "test.dev/v1",
        kind: "Thing",
        metadata: { name: "", resourceVersion: versionAt(now) },
      };
      for (const response of watches) response.write(line({ type: "BOOKMARK", object }));
    },
    compact() {
      compactedAt = now;
      history = [];
      pages.clear();
    },
    rewind() {
      now = 0;
      history = [];
      watches.clear();
    },
    repeat(count) {
      for (const change of history.slice(-count)) for (const response of watches) response.write(line(change));
    },
    breakWatches(how) {
      for (const response of watches) {
        watches.delete(response);
        if (how === "end") response.end();
        else if (how === "reset") response.socket?.resetAndDestroy();
        else if (how === "midEvent") response.end('{"type":"ADDED","object":{"metadata":{"na');
        else if (how === "garbage") response.end('{"type":]\n');
      }
    },
    failNext: (type, fault) => faults.push({ type, fault }),
    watches: () => watches.size,
    connections: () => connections,
    nextRequest: (type) => new Promise((resolve) => waiting.push({ type, resolve })),
    async stop() {
      const stopping = server;
      server = undefined;
      watches.clear();
      if (!stopping) return;
      const closed = new Promise((resolve) => stopping.close(resolve));
      stopping.closeAllConnections();
      await closed;
    },
    start,
  };
}

/** The names and data of objects, sorted: what two sides must agree on. */
export function summarize(objects: readonly KubeObject[]): string[] {
  return objects.map((object) => `${keyOf(object)} ${object.metadata.uid} ${object.metadata.resourceVersion}`).sort();
}
