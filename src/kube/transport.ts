import http from "node:http";
import https from "node:https";
import type { Status } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import { type Connection, type CredentialSource, createCredentialSource, type TlsCredentials } from "./credentials.ts";
import { ApiError, ConnectionError } from "./errors.ts";

/** One HTTP request to the API server. `path` starts with a slash and has its query. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Sends single requests: credentials, TLS, connections and time limits, but no second attempt. */
export interface Transport {
  readonly credentials: CredentialSource;
  /** Resolves with the body of a 2xx answer. Rejects with ApiError or ConnectionError. */
  send(request: ApiRequest): Promise<string>;
  /** Resolves once the headers of a 2xx answer are in; the caller reads, and destroys, the body. */
  open(request: ApiRequest): Promise<http.IncomingMessage>;
  close(): void;
}

export interface TransportOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** How long a whole exchange may take; for `open`, until the headers are in. */
  readonly timeoutMs: number;
  readonly userAgent: string;
}

const maxSockets = 64;
const keepAliveMs = 15_000;

/** A transport over HTTP/1.1 with kept-alive connections; watches have connections of their own. */
export function createTransport(options: TransportOptions): Transport {
  const { connection, clock, timeoutMs, userAgent } = options;
  const base = new URL(connection.server);
  const prefix = base.pathname.replace(/\/$/, "");
  const secure = base.protocol === "https:";
  const credentials = createCredentialSource(connection, clock);
  const closed = new AbortController();
  let agents: { requests: http.Agent; watches: http.Agent; tls: TlsCredentials } | undefined;

  const agentsFor = (tls: TlsCredentials) => {
    if (agents?.tls === tls) return agents;
    const make = (keepAlive: boolean): http.Agent => {
      const sockets = keepAlive ? { keepAlive, maxSockets, keepAliveMsecs: keepAliveMs } : { keepAlive: false };
      if (!secure) return new http.Agent(sockets);
      const serverName = connection.serverName && { servername: connection.serverName };
      return new https.Agent({ ...sockets, ...tls, ...serverName, rejectUnauthorized: !connection.skipTlsVerify });
    };
    // Requests under way keep their sockets; only idle ones of the old credentials go.
    closeIdle(agents?.requests);
    agents = { requests: make(true), watches: make(false), tls };
    return agents;
  };

  const failure = (request: ApiRequest, error: unknown, stale = false): Error => {
    if (error instanceof ApiError || error instanceof ConnectionError) return error;
    if (request.signal?.aborted) return abortReason(request.signal);
    const text = `${request.method} ${base.origin}${request.path}: ${(error as Error).message}`;
    return new ConnectionError(text, { cause: error, stale });
  };

  /** Resolves with the answer's headers and a function that ends the time limit. */
  const start = async (request: ApiRequest, watching: boolean) => {
    const { authorization, tls } = await credentials.current();
    closed.signal.throwIfAborted();
    request.signal?.throwIfAborted();
    const pool = agentsFor(tls);
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const outgoing = (secure ? https : http).request({
      method: request.method,
      host: base.hostname.replace(/^\[|\]$/g, ""),
      port: base.port || (secure ? 443 : 80),
      path: prefix + request.path,
      agent: watching ? pool.watches : pool.requests,
      headers: {
        accept: "application/json",
        "user-agent": userAgent,
        ...(authorization && { authorization }),
        ...(request.body !== undefined && {
          "content-type": request.contentType ?? "application/json",
          "content-length": Buffer.byteLength(request.body),
        }),
      },
    });
    let received: http.IncomingMessage | undefined;
    const fail = (error: Error) => (received ?? outgoing).destroy(error);
    const abort = () => fail(abortReason(request.signal?.aborted ? request.signal : closed.signal));
    request.signal?.addEventListener("abort", abort, { once: true });
    closed.signal.addEventListener("abort", abort, { once: true });
    const cancelTimer = clock.setTimer(timeoutMs, () => fail(new Error(`no answer within ${timeoutMs / 1000} s`)));
    // The kernel probes an idle connection each second after 15 s: a peer that vanished is noticed within half a minute.
    outgoing.on("socket", (socket) => socket.setKeepAlive(true, keepAliveMs));
    outgoing.on("response", (response) => {
      received = response;
      resolve(response);
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      const reset = error.code === "ECONNRESET" || error.code === "EPIPE";
      reject(failure(request, error, outgoing.reusedSocket && reset));
    });
    outgoing.on("close", () => {
      cancelTimer();
      request.signal?.removeEventListener("abort", abort);
      closed.signal.removeEventListener("abort", abort);
    });
    outgoing.end(request.body);
    const response = await promise;
    return { response, cancelTimer };
  };

  return {
    credentials,
    async send(request) {
      try {
        const { response } = await start(request, false);
        const body = await readBody(response);
        if (isSuccess(response)) return body;
        throw refusal(request, response, body);
      } catch (error) {
        throw failure(request, error);
      }
    },
    async open(request) {
      try {
        const { response, cancelTimer } = await start(request, true);
        if (!isSuccess(response)) throw refusal(request, response, await readBody(response));
        cancelTimer();
        return response;
      } catch (error) {
        throw failure(request, error);
      }
    },
    close() {
      closed.abort(new Error("the client is closed"));
      agents?.requests.destroy();
      agents?.watches.destroy();
    },
  };
}

function isSuccess(response: http.IncomingMessage): boolean {
  return response.statusCode! >= 200 && response.statusCode! < 300;
}

async function readBody(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function closeIdle(agent: http.Agent | undefined): void {
  for (const sockets of Object.values(agent?.freeSockets ?? {})) for (const socket of sockets ?? []) socket.destroy();
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("aborted", { cause: signal.reason });
}

/** The error for an answer that is no success. Anything but a Status body (a proxy's page) is cited in short. */
function refusal(request: ApiRequest, response: http.IncomingMessage, body: string): ApiError {
  const code = response.statusCode!;
  const retryAfterMs = parseRetryAfter(response.headers["retry-after"]);
  return new ApiError(code, statusOf(code, body), {
    request: `${request.method} ${request.path}`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function statusOf(code: number, body: string): Status {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "kind" in parsed && parsed.kind === "Status") {
      return parsed as Status;
    }
  } catch {
    // Not JSON: cited below.
  }
  const message = `HTTP ${code}${body ? `: ${body.trim().slice(0, 200)}` : ""}`;
  return { apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", code, message };
}

/** Milliseconds from a Retry-After header in seconds; the date form is not used by API servers. */
function parseRetryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) * 1000 : undefined;
}
