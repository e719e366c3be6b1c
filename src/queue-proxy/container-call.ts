import type { Carrier, Passenger } from "./backend.ts";
import type { ClientAnswer } from "./client-answer.ts";
import { type HeaderList, names } from "./codec/headers.ts";
import type {
  OutgoingHead,
  OutgoingRequest,
  RequestHead,
  Responder,
  ResponseConsumer,
  ResponseHead,
} from "./message.ts";
import type { ProxyContext } from "./proxy.ts";

/** How long a client that sent `Expect: 100-continue` waits for the container's word (Go's ExpectContinueTimeout). */
const expectContinueMs = 1000;

/** Learns how a call ended. */
export interface CallOwner {
  /** The container's answer is complete. */
  answered(trailers: HeaderList | undefined): void;
  /** No answer, or no complete answer, comes. */
  failed(error: Error): void;
}

/**
 * One request's exchange with the container: finds a connection, holds the body back until there is one, tries again on a
 * fresh connection where an idle one had died, and hands the answer to the client.
 */
export class ContainerCall implements ResponseConsumer, Passenger {
  private readonly context: ProxyContext;
  private readonly request: RequestHead;
  private readonly responder: Responder;
  private readonly answer: ClientAnswer;
  private readonly owner: CallOwner;
  private outgoingHead: OutgoingHead | undefined;
  private outgoing: OutgoingRequest | undefined;
  /** Until there is a connection, or there will be none. */
  private acquiring = false;
  private cancelAcquire: (() => void) | undefined;
  private cancelExpect: (() => void) | undefined;
  private waitingBody: Uint8Array[] | undefined;
  private waitingEnd: { readonly trailers: HeaderList | undefined } | undefined;
  private requestEnded = false;
  private retried = false;
  private over = false;

  constructor(
    context: ProxyContext,
    request: RequestHead,
    responder: Responder,
    answer: ClientAnswer,
    owner: CallOwner,
  ) {
    this.context = context;
    this.request = request;
    this.responder = responder;
    this.answer = answer;
    this.owner = owner;
  }

  start(head: OutgoingHead): void {
    this.acquire(head, false);
  }

  /** The exchange ended well, or was aborted: nothing more is heard of it. */
  stop(): void {
    this.over = true;
    this.cancelExpect?.();
    this.cancelAcquire?.();
    this.waitingBody = undefined;
  }

  /** Ends the exchange before its time. */
  abort(): void {
    this.outgoing?.abort();
  }

  // --- the client's part

  requestBody(chunk: Uint8Array): void {
    if (!this.outgoing) {
      this.waitingBody ??= [];
      this.waitingBody.push(Buffer.from(chunk));
      this.responder.pause();
    } else if (!this.outgoing.body(chunk)) this.responder.pause();
  }

  requestEnd(trailers: HeaderList | undefined): void {
    this.requestEnded = true;
    if (this.over) return;
    if (this.outgoing) this.outgoing.end(trailers);
    else this.waitingEnd = { trailers };
  }

  /** The client takes bytes again. */
  resume(): void {
    this.outgoing?.resume();
  }

  private acquire(head: OutgoingHead, fresh: boolean): void {
    const backend = this.request.protocol === "HTTP/2.0" ? this.context.http2 : this.context.http1;
    this.outgoingHead = head;
    this.acquiring = true;
    const cancel = backend.acquire(this, fresh);
    if (this.acquiring) this.cancelAcquire = cancel;
  }

  connected(carrier: Carrier): void {
    this.acquiring = false;
    this.cancelAcquire = undefined;
    if (this.over) return;
    this.outgoing = carrier.send(this.outgoingHead!, this);
    this.flushWaiting(this.outgoing);
    this.askForBody();
  }

  unreachable(error: Error): void {
    this.acquiring = false;
    this.cancelAcquire = undefined;
    if (!this.over) this.owner.failed(error);
  }

  private flushWaiting(outgoing: OutgoingRequest): void {
    const waiting = this.waitingBody;
    this.waitingBody = undefined;
    let accepting = true;
    for (const chunk of waiting ?? []) accepting = outgoing.body(chunk);
    if (this.waitingEnd) outgoing.end(this.waitingEnd.trailers);
    this.waitingEnd = undefined;
    if (accepting && waiting) this.responder.resume();
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

  // --- the container's part

  informational(status: number, headers: HeaderList): void {
    if (this.over) return;
    if (status === 100) this.responder.continueBody();
    else this.answer.informational(status, headers);
  }

  head(head: ResponseHead): void {
    if (this.over) return;
    this.cancelExpect?.();
    this.answer.head(head);
  }

  body(chunk: Uint8Array): void {
    if (!this.over && !this.answer.body(chunk)) this.outgoing?.pause();
  }

  end(trailers?: HeaderList): void {
    if (this.over) return;
    // A container that answers before it has read the whole request does not want the rest.
    if (!this.requestEnded) this.abort();
    this.owner.answered(trailers);
  }

  switched(headers: HeaderList): void {
    if (!this.over) this.answer.switchProtocols(headers, this.outgoingHead?.upgrade);
  }

  /** The container takes bytes again. */
  writable(): void {
    if (!this.over) this.responder.resume();
  }

  failed(error: Error, replayable: boolean): void {
    if (this.over) return;
    if (replayable && !this.retried && !this.answer.begun && isReplayable(this.request)) {
      this.retried = true;
      this.outgoing = undefined;
      this.acquire(this.outgoingHead!, true);
      return;
    }
    this.owner.failed(error);
  }
}

/** Whether a request may be sent twice (Go's Request.isReplayable). */
function isReplayable(request: RequestHead): boolean {
  return request.bodyLength === 0 && ["GET", "HEAD", "OPTIONS", "TRACE"].includes(request.method);
}
