import { answerError, answerWith, plainText } from "./answer.ts";
import { queueFullMessage } from "./breaker.ts";
import { HeaderList, names } from "./codec/headers.ts";
import { addForwarded } from "./forwarded.ts";
import type {
  OutgoingRequest,
  RequestConsumer,
  RequestHead,
  Responder,
  ResponseConsumer,
  ResponseHead,
} from "./message.ts";
import { routeTag } from "./metrics.ts";
import { makeOutgoing, OutgoingError, pruneResponse } from "./outgoing.ts";
import { isKubeletProbe, isProbe } from "./probe-request.ts";
import type { ProxyContext } from "./proxy.ts";
import { sniffContentType } from "./sniff.ts";
import type { RequestTrace, Span } from "./tracing.ts";

/** How long a client that sent `Expect: 100-continue` waits for the container's word (Go's ExpectContinueTimeout). */
const expectContinueMs = 1000;
const timeoutText = "request timeout";

/** One request on its way through the proxy: timers, statistics, breaker, container, and back. */
export class ProxiedRequest implements RequestConsumer {
  private readonly context: ProxyContext;
  private readonly request: RequestHead;
  private readonly responder: Responder;
  private readonly startedMs: number;
  private readonly kubelet: boolean;
  private readonly quiet: boolean;
  private readonly proxied: boolean;
  private trace: RequestTrace | undefined;
  private sendSpan: ReturnType<RequestTrace["send"]> | undefined;
  private waitSpan: Span | undefined;

  private cancelRevision: (() => void) | undefined;
  private cancelResponseStart: (() => void) | undefined;
  private cancelIdle: (() => void) | undefined;
  private cancelExpect: (() => void) | undefined;
  private leaveQueue: (() => boolean) | undefined;
  private cancelAcquire: (() => void) | undefined;
  private holdsSlot = false;
  private counted = false;

  private outgoing: OutgoingRequest | undefined;
  private waitingBody: Uint8Array[] = [];
  private waitingEnd: { trailers: HeaderList | undefined } | undefined;
  private requestEnded = false;
  private retried = false;

  private appStartedMs = -1;
  private lastWriteMs = -1;
  private headSent = false;
  private heldHead: ResponseHead | undefined;
  private switched = false;
  private status = 200;
  private size = 0;
  private over = false;

  constructor(context: ProxyContext, request: RequestHead, responder: Responder) {
    this.context = context;
    this.request = request;
    this.responder = responder;
    this.startedMs = context.clock.monotonic();
    this.kubelet = isKubeletProbe(request.headers);
    this.quiet = this.kubelet || isProbe(request.headers);
    this.proxied = request.headers.get(names.proxyRequest) === "activator";
  }

  start(): RequestConsumer {
    const { context } = this;
    this.trace = context.tracer?.start(this.request);
    if (!this.startTimers()) return this;
    addForwarded(this.request.headers);
    if (this.kubelet) {
      this.forward();
      return this;
    }
    this.counted = true;
    context.stats.enter(this.proxied);
    if (context.breaker) this.enterBreaker();
    else this.forward();
    return this;
  }

  // --- the request's body

  body(chunk: Uint8Array): void {
    if (this.over) return;
    if (!this.outgoing) {
      this.waitingBody.push(chunk);
      this.responder.pause();
    } else if (!this.outgoing.body(chunk)) this.responder.pause();
  }

  end(trailers?: HeaderList): void {
    this.requestEnded = true;
    if (this.over) return;
    if (this.outgoing) this.outgoing.end(trailers);
    else this.waitingEnd = { trailers };
  }

  writable(): void {
    this.outgoing?.resume();
  }

  /** The client is gone. Go's proxy sees a cancelled context: 502 before the answer, an abort within it. */
  aborted(): void {
    if (this.over) return;
    this.outgoing?.abort();
    const waiting = this.leaveQueue !== undefined;
    this.finish(this.headSent || waiting ? 500 : 502);
  }

  // --- timers

  private startTimers(): boolean {
    const { timeouts, clock } = this.context;
    if (!timeouts.revision) {
      this.timeOut();
      return false;
    }
    this.cancelRevision = timeouts.revision.add(() => {
      this.cancelRevision = undefined;
      if (this.lastWriteMs < 0) this.timeOut();
    });
    this.cancelResponseStart = timeouts.responseStart?.add(() => {
      this.cancelResponseStart = undefined;
      if (this.lastWriteMs < 0) this.timeOut();
    });
    const { idleMs } = timeouts;
    const checkIdle = () => {
      const quietMs = clock.monotonic() - this.lastWriteMs;
      if (this.lastWriteMs < 0 || quietMs >= idleMs) this.timeOut();
      else this.cancelIdle = clock.setTimer(idleMs - quietMs, checkIdle);
    };
    if (idleMs > 0) this.cancelIdle = clock.setTimer(idleMs, checkIdle);
    return true;
  }

  /** Source: serving v0.42.2 pkg/http/handler/timeout.go. */
  private timeOut(): void {
    if (this.over) return;
    this.outgoing?.abort();
    this.cancelAcquire?.();
    if (this.switched) {
      this.responder.abort();
      this.finish(this.status, 502);
      return;
    }
    if (this.headSent) {
      // As upstream: the text ends a response that has stalled.
      const text = Buffer.from(timeoutText);
      this.size += text.length;
      this.sendBody(text);
      this.responder.end();
      this.finish(this.status);
      return;
    }
    const headers = new HeaderList();
    headers.add(names.contentType, plainText);
    this.size = timeoutText.length;
    answerWith(this.responder, 504, headers, timeoutText);
    this.finish(504, 502);
  }

  // --- the breaker

  private enterBreaker(): void {
    const breaker = this.context.breaker!;
    this.waitSpan = this.trace?.queueWait();
    const outcome = breaker.enter(() => {
      this.leaveQueue = undefined;
      this.holdsSlot = true;
      this.endWait();
      this.forward();
    });
    if (outcome === "full") {
      this.endWait();
      this.fail(503, queueFullMessage);
    } else if (outcome !== "started") {
      this.leaveQueue = outcome;
    }
  }

  private endWait(): void {
    this.waitSpan?.end();
    this.waitSpan = undefined;
  }

  // --- to the container

  private forward(): void {
    const { context, request } = this;
    this.appStartedMs = context.clock.monotonic();
    if (context.breaker) context.metrics?.queueDepth(context.breaker.inFlight());
    let head: ReturnType<typeof makeOutgoing>;
    try {
      head = makeOutgoing(request, context.defaultHost);
    } catch (error) {
      if (!(error instanceof OutgoingError)) throw error;
      this.failBackend(error);
      return;
    }
    this.sendSpan = this.trace?.send(head);
    this.acquire(head, false);
  }

  private acquire(head: ReturnType<typeof makeOutgoing>, fresh: boolean): void {
    const backend = this.request.protocol === "HTTP/2.0" ? this.context.http2 : this.context.http1;
    let answered = false;
    const cancel = backend.acquire(
      (carrier) => {
        answered = true;
        this.cancelAcquire = undefined;
        if (this.over) return;
        this.outgoing = carrier.send(head, this.responseConsumer(head));
        this.flushWaiting();
        this.askForBody();
      },
      (error) => {
        answered = true;
        this.cancelAcquire = undefined;
        if (!this.over) this.failBackend(error);
      },
      fresh,
    );
    if (!answered) this.cancelAcquire = cancel;
  }

  private flushWaiting(): void {
    const outgoing = this.outgoing!;
    const waiting = this.waitingBody;
    this.waitingBody = [];
    let accepting = true;
    for (const chunk of waiting) accepting = outgoing.body(chunk);
    if (this.waitingEnd) outgoing.end(this.waitingEnd.trailers);
    this.waitingEnd = undefined;
    if (accepting && waiting.length > 0) this.responder.resume();
  }

  /** The container has the head. A client that expects `100 Continue` gets it when the container says so, or in a second. */
  private askForBody(): void {
    if (this.requestEnded || this.over) return;
    if (!this.request.headers.has(names.expect)) {
      this.responder.continueBody();
      return;
    }
    this.cancelExpect = this.context.clock.setTimer(expectContinueMs, () => this.responder.continueBody());
  }

  // --- the container's answer

  private responseConsumer(head: ReturnType<typeof makeOutgoing>): ResponseConsumer {
    return {
      informational: (status, headers) => {
        if (this.over) return;
        if (status === 100) return this.responder.continueBody();
        this.wrote();
        pruneResponse(headers);
        this.responder.informational(status, headers);
      },
      head: (response) => this.responseHead(response),
      body: (chunk) => {
        if (this.over) return;
        this.wrote();
        this.size += chunk.length;
        if (!this.sendBody(chunk)) this.outgoing?.pause();
      },
      end: (trailers) => this.responseEnd(trailers),
      switched: (headers) => {
        if (this.over) return;
        this.switched = true;
        this.headSent = true;
        this.status = 101;
        pruneResponse(headers);
        headers.add(names.connection, "Upgrade");
        if (head.upgrade !== undefined) headers.add(names.upgrade, head.upgrade);
        this.responder.switchProtocols(headers);
      },
      writable: () => {
        if (!this.over) this.responder.resume();
      },
      failed: (error, replayable) => {
        if (this.over) return;
        if (replayable && !this.retried && !this.headSent && isReplayable(this.request)) {
          this.retried = true;
          this.outgoing = undefined;
          return this.acquire(head, true);
        }
        this.failBackend(error);
      },
    };
  }

  private responseHead(response: ResponseHead): void {
    if (this.over) return;
    this.cancelExpect?.();
    this.headSent = true;
    this.status = response.status;
    this.wrote();
    pruneResponse(response.headers);
    if (this.wantsSniffing(response)) this.heldHead = response;
    else this.responder.head(response);
  }

  /** As Go's server: a body without a type gets one by its first bytes, so its head waits for them. */
  private wantsSniffing({ status, headers, bodyLength }: ResponseHead): boolean {
    if (bodyLength === 0 || status === 204 || status === 304 || this.request.method === "HEAD") return false;
    return !headers.has(names.contentType) && !headers.has(names.contentEncoding);
  }

  private sendBody(chunk: Uint8Array): boolean {
    this.releaseHead(chunk);
    return this.responder.body(chunk);
  }

  private releaseHead(firstBytes: Uint8Array | undefined): void {
    const head = this.heldHead;
    if (!head) return;
    this.heldHead = undefined;
    if (firstBytes && firstBytes.length > 0) head.headers.add(names.contentType, sniffContentType(firstBytes));
    this.responder.head(head);
  }

  private responseEnd(trailers: HeaderList | undefined): void {
    if (this.over) return;
    // A container that answers before it has read the whole request does not want the rest.
    if (!this.requestEnded) this.outgoing?.abort();
    this.releaseHead(undefined);
    this.responder.end(trailers);
    this.finish(this.status);
  }

  private wrote(): void {
    this.lastWriteMs = this.context.clock.monotonic();
  }

  /** No answer, or no complete answer, from the container. */
  private failBackend(error: Error): void {
    const { logger, socketStatistics } = this.context;
    logger.error(`error reverse proxying request; sockstat: ${socketStatistics()}`, { error: error.message });
    if (!this.headSent) {
      this.fail(502, error.message);
      return;
    }
    this.responder.abort();
    this.finish(500);
  }

  private fail(status: number, text: string): void {
    this.size = text.length + 1;
    answerError(this.responder, status, text);
    this.finish(status);
  }

  /** Everything is settled: gives back the slot and records. `appStatus`: what the container's part amounted to. */
  private finish(status: number, appStatus = status): void {
    if (this.over) return;
    this.over = true;
    const { context } = this;
    const nowMs = context.clock.monotonic();
    this.cancelRevision?.();
    this.cancelResponseStart?.();
    this.cancelIdle?.();
    this.cancelExpect?.();
    this.cancelAcquire?.();
    this.leaveQueue?.();
    this.waitingBody = [];
    this.sendSpan?.status(appStatus);
    this.sendSpan?.end();
    this.endWait();
    if (this.counted) context.stats.leave(this.proxied);
    if (context.metrics && !this.quiet) {
      if (this.appStartedMs >= 0) context.metrics.appRequest(appStatus, nowMs - this.appStartedMs);
      context.metrics.request(status, routeTag(this.request.headers), nowMs - this.startedMs);
    }
    this.trace?.finish(status);
    if (context.requestLog && (!this.quiet || context.requestLog.logsProbes)) {
      context.requestLog.write(this.request, status, this.size, nowMs - this.startedMs);
    }
    // Last: it may start the next request.
    if (this.holdsSlot) context.breaker!.leave();
  }
}

/** Whether a request may be sent twice (Go's Request.isReplayable). */
function isReplayable(request: RequestHead): boolean {
  return request.bodyLength === 0 && ["GET", "HEAD", "OPTIONS", "TRACE"].includes(request.method);
}
