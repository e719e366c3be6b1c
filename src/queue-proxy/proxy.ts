import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { answer, answerError, answerWith, plainText } from "./answer.ts";
import type { Backend } from "./backend.ts";
import type { Breaker } from "./breaker.ts";
import { HeaderList, names } from "./codec/headers.ts";
import type { Drainer } from "./drain.ts";
import type { Handler, RequestHead, Responder } from "./message.ts";
import type { RequestMetrics } from "./metrics.ts";
import { requestKind } from "./probe-request.ts";
import { ProxiedRequest } from "./proxied-request.ts";
import type { RequestLog } from "./request-log.ts";
import type { Timeouts } from "./request-timers.ts";
import type { RequestStats } from "./stats.ts";
import type { Tracer } from "./tracing.ts";

/** What the request path works with. */
export interface ProxyContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drainer: Drainer;
  /** Whether the user container is ready. */
  readonly probe: () => Promise<boolean>;
  readonly stats: RequestStats;
  readonly breaker: Breaker | undefined;
  readonly timeouts: Timeouts;
  /** For requests that came in over HTTP/1. */
  readonly http1: Backend;
  /** For requests that came in over HTTP/2. */
  readonly http2: Backend;
  /** The Host of requests without one: `127.0.0.1:USER_PORT`. */
  readonly defaultHost: string;
  readonly metrics: RequestMetrics | undefined;
  readonly requestLog: RequestLog | undefined;
  readonly tracer: Tracer | undefined;
  /** The kernel's socket statistics, for the log line of a failed request. */
  readonly socketStatistics: () => Promise<string>;
}

/** The main server's handler: probes are answered here, everything else goes to the user container. */
export function createProxy(context: ProxyContext): Handler {
  return (request, responder) => {
    switch (requestKind(request.headers)) {
      case "health":
        return answerHealth(context, request, logged(context, request, responder));
      case "ingress-probe":
        return answerIngressProbe(context, request, logged(context, request, responder));
      default:
        context.drainer.touch();
        return new ProxiedRequest(context, request, responder).start();
    }
  };
}

const ignored = { body() {}, end() {}, writable() {}, aborted() {} };

/** Source: serving v0.42.2 pkg/queue/health/handler.go. */
function answerHealth(context: ProxyContext, request: RequestHead, responder: Responder) {
  if (context.drainer.draining) {
    answerError(responder, 503, "shutting down");
    return ignored;
  }
  const span = context.tracer?.startProbe(request.headers);
  const value = request.headers.get(names.networkProbe) ?? "";
  if (value !== "queue") {
    const text = `unexpected probe header value: ${value}`;
    span?.annotateError(text);
    span?.end();
    answerError(responder, 400, text);
    return ignored;
  }
  let gone = false;
  const finish = (ready: boolean) => {
    if (!ready) span?.annotateError("container not ready");
    span?.end();
    if (gone) return;
    if (ready) answer(responder, 200, "queue", plainText);
    else answerWith(responder, 503, new HeaderList(), "");
  };
  context.probe().then(finish, (error: unknown) => {
    context.logger.error("readiness probe failed unexpectedly", { error });
    finish(false);
  });
  return {
    ...ignored,
    aborted: () => {
      gone = true;
    },
  };
}

/** Source: knative.dev/pkg network/handlers/drain.go (serveKProbe). */
function answerIngressProbe(context: ProxyContext, request: RequestHead, responder: Responder) {
  const hash = request.headers.get(names.networkHash) ?? "";
  if (context.drainer.draining) answerError(responder, 503, "shutting down");
  else if (hash === "") answerError(responder, 400, 'a probe request must contain a non-empty "K-Network-Hash" header');
  else {
    const headers = new HeaderList();
    headers.add(names.networkHash, hash);
    answerWith(responder, 200, headers, "");
  }
  return ignored;
}

/** Probes are written to the request log only when that is asked for. */
function logged(context: ProxyContext, request: RequestHead, responder: Responder): Responder {
  const { requestLog, clock } = context;
  if (!requestLog?.logsProbes) return responder;
  const startedMs = clock.monotonic();
  let status = 200;
  let size = 0;
  return {
    informational: (informationalStatus, headers) => responder.informational(informationalStatus, headers),
    abort: () => responder.abort(),
    switchProtocols: (headers) => responder.switchProtocols(headers),
    pause: () => responder.pause(),
    resume: () => responder.resume(),
    continueBody: () => responder.continueBody(),
    head(head) {
      status = head.status;
      responder.head(head);
    },
    body(chunk) {
      size += chunk.length;
      return responder.body(chunk);
    },
    end(trailers) {
      responder.end(trailers);
      requestLog.write(request, status, size, clock.monotonic() - startedMs);
    },
  };
}
