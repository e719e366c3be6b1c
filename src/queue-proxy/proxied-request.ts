import { queueFullMessage, type SlotSeeker } from "./breaker.ts";
import { ClientAnswer } from "./client-answer.ts";
import type { HeaderList } from "./codec/headers.ts";
import { type CallOwner, ContainerCall } from "./container-call.ts";
import { addForwarded } from "./forwarded.ts";
import type { OutgoingHead, RequestConsumer, RequestHead, Responder } from "./message.ts";
import { makeOutgoing, OutgoingError } from "./outgoing.ts";
import { isKubeletProbe } from "./probe-request.ts";
import type { ProxyContext } from "./proxy.ts";
import { RequestRecord } from "./request-record.ts";
import { RequestTimers, type TimedRequest } from "./request-timers.ts";

/** One request on its way through the proxy: timers, statistics, breaker, container, and back. */
export class ProxiedRequest implements RequestConsumer, CallOwner, SlotSeeker, TimedRequest {
  private readonly context: ProxyContext;
  private readonly request: RequestHead;
  private readonly record: RequestRecord;
  private readonly answer: ClientAnswer;
  private readonly call: ContainerCall;
  private readonly timers: RequestTimers;
  /** "free": no slot of the breaker is needed, or none is asked for yet. */
  private state: "free" | "waiting" | "admitted" | "over" = "free";

  constructor(context: ProxyContext, request: RequestHead, responder: Responder) {
    this.context = context;
    this.request = request;
    this.record = new RequestRecord(context, request);
    this.answer = new ClientAnswer(responder, context.clock, request.method);
    this.call = new ContainerCall(context, request, this.answer, this);
    this.timers = new RequestTimers(context.clock, context.timeouts, this.answer, this);
  }

  start(): RequestConsumer {
    if (!this.timers.start()) return this;
    addForwarded(this.request.headers);
    if (isKubeletProbe(this.request.headers)) {
      this.forward();
      return this;
    }
    this.record.count();
    if (this.context.breaker) this.enterBreaker();
    else this.forward();
    return this;
  }

  // --- the client's events

  body(chunk: Uint8Array): void {
    if (this.state !== "over") this.call.requestBody(chunk);
  }

  end(trailers?: HeaderList): void {
    this.call.requestEnd(trailers);
  }

  writable(): void {
    this.call.resume();
  }

  /** The client is gone. Go's proxy sees a cancelled context: 502 before the answer, an abort within it. */
  aborted(): void {
    if (this.state === "over") return;
    this.call.abort();
    this.finish(this.answer.begun || this.state === "waiting" ? 500 : 502);
  }

  /** Source: serving v0.42.2 pkg/http/handler/timeout.go. */
  timedOut(): void {
    if (this.state === "over") return;
    this.call.abort();
    const failed = this.answer.switched || !this.answer.begun;
    this.answer.timeOut();
    this.finish(this.answer.status, failed ? 502 : this.answer.status);
  }

  // --- to the container

  private enterBreaker(): void {
    this.record.waits();
    const outcome = this.context.breaker!.enter(this);
    if (outcome === "full") {
      this.record.waited();
      this.refuse(503, queueFullMessage);
    } else if (outcome === "waiting") {
      this.state = "waiting";
    }
  }

  admitted(): void {
    this.state = "admitted";
    this.record.waited();
    this.forward();
  }

  private forward(): void {
    this.record.forwarded();
    const { request, context } = this;
    // The request log tells of the headers as they came.
    const headers = context.requestLog ? request.headers.copy() : request.headers;
    let head: OutgoingHead;
    try {
      head = makeOutgoing(request, headers, context.defaultHost);
    } catch (error) {
      if (!(error instanceof OutgoingError)) throw error;
      this.failed(error);
      return;
    }
    this.record.sends(head);
    this.call.start(head);
  }

  // --- the end

  answered(trailers: HeaderList | undefined): void {
    this.answer.end(trailers);
    this.finish(this.answer.status);
  }

  failed(error: Error): void {
    const { logger, socketStatistics } = this.context;
    void socketStatistics().then((sockets) => {
      logger.error(`error reverse proxying request; sockstat: ${sockets}`, { error: error.message });
    });
    if (!this.answer.begun) {
      this.refuse(502, error.message);
      return;
    }
    this.answer.abort();
    this.finish(500);
  }

  private refuse(status: number, text: string): void {
    this.answer.error(status, text);
    this.finish(status);
  }

  /** Everything is settled: gives back the slot and records. `appStatus`: what the container's part amounted to. */
  private finish(status: number, appStatus = status): void {
    const { state } = this;
    if (state === "over") return;
    this.state = "over";
    this.timers.cancel();
    this.call.stop();
    if (state === "waiting") this.context.breaker!.withdraw(this);
    this.record.finish(status, appStatus, this.answer.size);
    // Last: it may start the next request.
    if (state === "admitted") this.context.breaker!.leave();
  }
}
