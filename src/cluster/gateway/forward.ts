import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { type ClientHttp2Stream, constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { HTTPRoute } from "../../apis/istio/virtualservice.ts";
import type { Clock } from "../../lib/clock.ts";
import type { SocketAddress } from "../../lib/locate.ts";
import type { Logger } from "../../lib/log.ts";
import type { Connections, RequestHead } from "./connections.ts";
import { changeHeaders, endToEnd, type HeaderMap } from "./headers.ts";
import { makeRequestBody, type RequestBody } from "./request-body.ts";
import type { Upstream } from "./upstream.ts";
import { fromHttp1, fromHttp2, type UpstreamAnswer } from "./upstream-answer.ts";

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

/** What forwarding takes. */
export interface Forwarding {
  readonly connections: Connections;
  /** The pods behind a destination, as they are now. */
  readonly upstreamOf: (destination: Destination["destination"]) => Upstream | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export type Destination = NonNullable<HTTPRoute["route"]>[number];

/** While no pod takes the connection: pods come and go, and their list follows a moment later. */
const connectPausesMs = [0, 25, 50, 100, 200, 400];
const idempotent = ["GET", "HEAD", "OPTIONS"];
/** So often a request that pods refuse is sent once more; Istio's default where a route does not say. */
const mostRepeats = 2;

/**
 * Sends a request on to a pod and its answer back, as Envoy would: 503 where no pod is there or none takes the
 * connection. A connection that fails is tried again elsewhere, since nothing was sent yet; so is a request that the
 * pod says it has not looked at (a refused stream). Others are not.
 */
export async function forward(
  request: Request,
  response: Response,
  head: RequestHead,
  destination: Destination,
  { connections, upstreamOf, clock, log }: Forwarding,
): Promise<void> {
  const left = new AbortController();
  response.once("close", () => left.abort());
  const body = head.hasBody ? makeRequestBody(request) : undefined;
  let repeats = 0;
  let lastError: unknown;
  for (const pauseMs of connectPausesMs) {
    if (pauseMs > 0) await clock.sleep(pauseMs);
    if (left.signal.aborted) return;
    const upstream = upstreamOf(destination.destination);
    if (!upstream || upstream.endpoints.length === 0) {
      if (lastError === undefined) return refuse(response, 503, "no healthy upstream");
      continue;
    }
    for (const endpoint of byLoad(upstream.endpoints, connections)) {
      try {
        const answer = await ask(request, head, body, endpoint, upstream.protocol, connections, left.signal);
        body?.forget();
        return await relay(answer, response, destination);
      } catch (error) {
        if (left.signal.aborted) return;
        lastError = error;
        if (!(error instanceof ResetError)) continue;
        if (error.kind === "refused" && body?.isWhole !== false && repeats++ < mostRepeats) continue;
        if (error.kind === "reused" && !body && idempotent.includes(head.method)) continue;
        log.debug("The pod ended the connection before it answered", { endpoint, error });
        const reason = error.kind === "refused" ? "remote refused stream reset" : "connection termination";
        return refuse(
          response,
          503,
          `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`,
        );
      }
    }
  }
  log.warn("No pod takes a connection", { destination: destination.destination, error: lastError });
  const reason = "connection failure";
  refuse(response, 503, `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`);
}

/** Answers a request that reaches no pod. */
export function refuse(response: Response, status: number, text = "", headers: HeaderMap = {}): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  if (text !== "") response.setHeader("content-type", "text/plain");
  (response as ServerResponse).end(text);
}

/** The pod had the request, or part of it, and gave no answer. */
class ResetError extends Error {
  /**
   * "reused": the connection was an old one, which the pod may have given up before the request came; "refused": the pod
   * says that it has not looked at the request.
   */
  readonly kind: "reused" | "refused" | "other";

  constructor(cause: unknown, kind: ResetError["kind"]) {
    super("reset before headers", { cause });
    this.kind = kind;
  }
}

async function ask(
  request: Request,
  head: RequestHead,
  body: RequestBody | undefined,
  endpoint: SocketAddress,
  protocol: Upstream["protocol"],
  connections: Connections,
  left: AbortSignal,
): Promise<UpstreamAnswer> {
  const outgoing =
    protocol === "h2c" ? await connections.openHttp2(endpoint, head) : await connections.openHttp1(endpoint, head);
  const giveUp = () => cancel(outgoing);
  if (left.aborted) giveUp();
  left.addEventListener("abort", giveUp, { once: true });
  outgoing.once("close", () => left.removeEventListener("abort", giveUp));
  const answered = "reusedSocket" in outgoing ? fromHttp1(outgoing) : fromHttp2(outgoing);
  if (body) {
    if ("flushHeaders" in outgoing) outgoing.flushHeaders();
    body.sendTo(outgoing, protocol === "h2c");
    if ("trailers" in request) request.once("end", () => sendTrailers(request, outgoing));
  } else {
    outgoing.end();
  }
  try {
    return await answered;
  } catch (error) {
    body?.stop(outgoing);
    throw new ResetError(error, kindOf(outgoing));
  }
}

function kindOf(outgoing: ClientRequest | ClientHttp2Stream): ResetError["kind"] {
  if ("reusedSocket" in outgoing) return outgoing.reusedSocket ? "reused" : "other";
  return outgoing.rstCode === constants.NGHTTP2_REFUSED_STREAM ? "refused" : "other";
}

function sendTrailers(request: Request, outgoing: ClientRequest | ClientHttp2Stream): void {
  if ("addTrailers" in outgoing && Object.keys(request.trailers).length > 0) {
    outgoing.addTrailers(request.trailers as Record<string, string>);
  }
}

function cancel(outgoing: ClientRequest | ClientHttp2Stream): void {
  if ("reusedSocket" in outgoing) outgoing.destroy();
  else outgoing.close(constants.NGHTTP2_CANCEL);
}

/** Hands the pod's answer to the client. Settles once all of it is handed over, or one side has gone. */
async function relay(answer: UpstreamAnswer, response: Response, { headers }: Destination): Promise<void> {
  const sent = endToEnd(answer.headers);
  changeHeaders(sent, headers?.response);
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(sent)) if (value !== undefined) response.setHeader(name, value);
  const { body } = answer;
  if (!body) {
    (response as ServerResponse).end();
    return;
  }
  // Whoever streams an answer wants its beginning to arrive before its end is known.
  if (sent["content-length"] === undefined) (response as ServerResponse).flushHeaders();
  await new Promise<void>((resolve) => {
    body.once("end", () => {
      const trailers = answer.trailers();
      if (Object.keys(trailers).length > 0) response.addTrailers(trailers);
      (response as ServerResponse).end();
      resolve();
    });
    body.once("error", () => {
      response.destroy();
      resolve();
    });
    response.once("close", () => {
      body.destroy();
      resolve();
    });
    body.pipe(response as ServerResponse, { end: false });
  });
}

/** Two pods at random, the less busy one first, then all others: so the load evens out without a ledger. */
function byLoad(endpoints: readonly SocketAddress[], connections: Connections): SocketAddress[] {
  const shuffled = [...endpoints];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
  }
  const [first, second, ...rest] = shuffled;
  if (!first || !second || connections.load(first) <= connections.load(second)) return shuffled;
  return [second, first, ...rest];
}
