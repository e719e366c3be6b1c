import { apiVersionOf, type Kind } from "../apis/kind.ts";
import type { KubeList, KubeObject } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import type { Client, DeleteOptions, ListOptions, ObjectRef, Patch, Resource, WriteOptions } from "./api.ts";
import type { Connection } from "./credentials.ts";
import { ApiError, ConnectionError, isUnauthorized } from "./errors.ts";
import { createRateLimiter, type RateLimit } from "./rate-limit.ts";
import { type ApiRequest, createTransport } from "./transport.ts";
import { readWatch } from "./watch.ts";

export interface ClientConfig {
  readonly connection: Connection;
  readonly clock: Clock;
  /** Names the program in the server's logs, and its writes in managed fields. "hakn" unless told. */
  readonly userAgent?: string;
  /** How long one request may take; 30 s unless told. Watches are limited by their own options. */
  readonly timeoutMs?: number;
  /** No limit unless told: the server's own flow control (429) is always honoured. */
  readonly rateLimit?: RateLimit;
  /** How long, all attempts together, to wait for a server that asks us to try later; 30 s unless told. */
  readonly maxRetryWaitMs?: number;
  /** Called after every request; `code` is "<error>" when there was no answer, as upstream's metrics have it. */
  readonly onRequest?: (facts: RequestFacts) => void;
}

export interface RequestFacts {
  readonly method: string;
  readonly host: string;
  readonly code: string;
  readonly durationMs: number;
}

const maxAttempts = 10;
const patchTypes: Readonly<Record<Patch["type"], string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/**
 * A client of one API server. A request that the server puts off (429, or any answer with Retry-After) is sent again
 * within bounds; a refused token is read anew once. Everything else is the caller's to try again.
 */
export function createClient(config: ClientConfig): Client {
  const { connection, clock, userAgent = "hakn", timeoutMs = 30_000, maxRetryWaitMs = 30_000 } = config;
  const transport = createTransport({ connection, clock, timeoutMs, userAgent });
  const admit = createRateLimiter(config.rateLimit, clock);
  const host = new URL(connection.server).host;

  const measured = async <R>(method: string, run: () => Promise<R>): Promise<R> => {
    if (!config.onRequest) return run();
    const startedAt = clock.monotonic();
    const report = (code: string) =>
      config.onRequest!({ method, host, code, durationMs: clock.monotonic() - startedAt });
    try {
      const result = await run();
      report("200");
      return result;
    } catch (error) {
      report(error instanceof ApiError ? String(error.code) : "<error>");
      throw error;
    }
  };

  const withRetries = async <R>(request: ApiRequest, attempt: () => Promise<R>): Promise<R> => {
    let waitedMs = 0;
    let refreshed = false;
    let reconnected = false;
    for (let attempts = 1; ; attempts++) {
      await admit(request.signal);
      try {
        return await measured(request.method, attempt);
      } catch (error) {
        if (isUnauthorized(error) && !refreshed) {
          refreshed = true;
          if (await transport.credentials.refresh()) continue;
        }
        if (error instanceof ConnectionError && error.stale && request.method === "GET" && !reconnected) {
          reconnected = true;
          continue;
        }
        const waitMs = putOffMs(error);
        if (waitMs === undefined || attempts >= maxAttempts || waitedMs + waitMs > maxRetryWaitMs) throw error;
        waitedMs += waitMs;
        await clock.sleep(waitMs, request.signal);
      }
    }
  };

  const send = async (request: ApiRequest): Promise<unknown> => {
    const body = await withRetries(request, () => transport.send(request));
    try {
      return JSON.parse(body);
    } catch (error) {
      throw new ConnectionError(`${request.method} ${request.path}: the answer is not JSON`, { cause: error });
    }
  };

  const of = <T extends KubeObject>(kind: Kind<T>): Resource<T> => {
    const apiVersion = apiVersionOf(kind);
    const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${apiVersion}`;
    const collection = (namespace: string | undefined) =>
      kind.namespaced && namespace ? `${root}/namespaces/${namespace}/${kind.plural}` : `${root}/${kind.plural}`;
    const item = (ref: ObjectRef, subresource?: string) =>
      `${collection(ref.namespace)}/${encodeURIComponent(ref.name)}${subresource ? `/${subresource}` : ""}`;
    const write = async (method: string, path: string, object: T, options: WriteOptions = {}) =>
      (await send({
        method,
        path: path + query(writeParameters(options)),
        body: JSON.stringify(object.apiVersion && object.kind ? object : { ...object, apiVersion, kind: kind.kind }),
        signal: options.signal,
      })) as T;

    return {
      kind,
      get: async (ref, signal) => (await send({ method: "GET", path: item(ref), signal })) as T,
      async list(options = {}) {
        const path = collection(options.namespace) + query(listParameters(options));
        const list = (await send({ method: "GET", path, signal: options.signal })) as KubeList<T>;
        if (!Array.isArray(list.items)) throw new ConnectionError(`GET ${path}: the answer is not a list`);
        for (const object of list.items) {
          object.apiVersion = apiVersion;
          object.kind = kind.kind;
        }
        return list;
      },
      async watch(options, onEvent) {
        const parameters = {
          ...listParameters(options),
          watch: "true",
          allowWatchBookmarks: "true",
          timeoutSeconds: options.timeoutSeconds,
        };
        const path = collection(options.namespace) + query(parameters);
        const request: ApiRequest = { method: "GET", path, signal: options.signal };
        const response = await withRetries(request, () => transport.open(request));
        await readWatch(response, onEvent, { clock, inactivityMs: options.inactivityMs });
      },
      create: (object, options = {}) => write("POST", collection(object.metadata.namespace), object, options),
      update: (object, options = {}) => write("PUT", item(object.metadata, options.subresource), object, options),
      updateStatus: (object, options = {}) => write("PUT", item(object.metadata, "status"), object, options),
      async patch(ref, patch, options = {}) {
        const apply = patch.type === "apply";
        const fieldManager = options.fieldManager ?? (apply ? userAgent : undefined);
        const parameters = {
          ...writeParameters({ ...options, ...(fieldManager && { fieldManager }) }),
          ...(apply && patch.force && { force: "true" }),
        };
        return (await send({
          method: "PATCH",
          path: item(ref, options.subresource) + query(parameters),
          body: JSON.stringify(patch.body),
          contentType: patchTypes[patch.type],
          signal: options.signal,
        })) as T;
      },
      async delete(ref, options = {}) {
        await send({ method: "DELETE", path: item(ref), body: deleteBody(options), signal: options.signal });
      },
      async deleteCollection(options = {}) {
        const path = collection(options.namespace) + query(listParameters(options));
        await send({ method: "DELETE", path, body: deleteBody(options), signal: options.signal });
      },
    };
  };

  return {
    of,
    raw: (method, path, body, signal) =>
      send({ method, path, ...(body !== undefined && { body: JSON.stringify(body) }), signal }),
    close: () => transport.close(),
  };
}

/** How long the server asks us to wait; undefined when it does not ask for another attempt. */
function putOffMs(error: unknown): number | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.code === 429) return error.retryAfterMs ?? 1000;
  return error.code >= 500 ? error.retryAfterMs : undefined;
}

type Parameters = Readonly<Record<string, string | number | undefined>>;

function query(parameters: Parameters): string {
  const parts = Object.entries(parameters)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${encodeURIComponent(value!)}`);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function listParameters(options: ListOptions): Parameters {
  const { labelSelector, fieldSelector, limit, resourceVersion } = options;
  return { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion };
}

function writeParameters(options: WriteOptions): Parameters {
  return { dryRun: options.dryRun ? "All" : undefined, fieldManager: options.fieldManager };
}

function deleteBody(options: DeleteOptions): string {
  const { propagationPolicy, gracePeriodSeconds, preconditions } = options;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy,
    gracePeriodSeconds,
    preconditions,
  });
}
