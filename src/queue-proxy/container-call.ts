import type { Carrier, Passenger } from "./backend.ts";
import type { ClientAnswer } from "./client-answer.ts";
import { type HeaderList, names } from "./codec/headers.ts";
import type { OutgoingHead, OutgoingRequest, RequestHead, ResponseConsumer, ResponseHead } from "./message.ts";
import type { ProxyContext } from "./proxy.ts";

/** How long a client that sent `Expect: 100-continue` waits for the container's word (Go's ExpectContinueTimeout). */
const expectContinueMs = 1000;

/** A request's body and end that wait for a connection. */
interface HeldRequest {
  readonly body: Uint8Array[];
  end?: { readonly trailers: HeaderList | undefined };
}

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
  private readonly answer: ClientAnswer;
  private readonly owner: CallOwner;
  private outgoingHead: OutgoingHead | undefined;
  private outgoing: OutgoingRequest | undefined;
  /** Until there is a connection, or there will be none. */
  private acquiring = false;
  /** Gives up what is waited for: the connection, or the container's word on the body. */
  private cancelWait: (() => void) | undefined;
  /** What came of the request while there was no connection. */
  private held: HeldRequest | undefined;
  private requestEnded = false;
  private retried = false;
  private over = false;

  constructor(context: ProxyContext, request: RequestHead, answer: ClientAnswer, owner: CallOwner) {
    this.context = context;
    this.request = request;
    this.answer = answer;
    this.owner = owner;
  }

  start(head: OutgoingHead): void {
    this.acquire(head, false);
  }

  /** The exchange ended well, or was aborted: nothing more is heard of it. */
  stop(): void {
    this.over = true;
    this.cancelWait?.();
    this.held = undefined;
  }

  /** Ends the exchange before its time. */
  abort(): void {
    this.outgoing?.abort();
  }

  // --- the client's part

  requestBody(chunk: Uint8Array): void {
    if (!this.outgoing) {
      this.held ??= { body: [] };
      this.held.body.push(Buffer.from(chunk));
      this.answer.responder.pause();
    } else if (!this.outgoing.body(chunk)) this.answer.responder.pause();
  }

  requestEnd(trailers: HeaderList | undefined): void {
    this.requestEnded = true;
    if (this.over) return;
    if (this.outgoing) this.outgoing.end(trailers);
    else {
      this.held ??= { body: [] };
      this.held.end = { trailers };
    }
  }

  /** The client takes bytes again. */
  resume(): void {
    this.outgoing?.resume();
  }

  private acquire(head: OutgoingHead, fresh: boolean): void {
    const backend = this.request.protocol === "HTTP/2.0" ? this.context.http2 : this.context.http1;
    this.outgoingHead = head;
    this.acquiring = true;
    this.cancelWait?.();
    const cancel = backend.acquire(this, fresh);
    if (this.acquiring) this.cancelWait = cancel;
  }

  connected(carrier: Carrier): void {
    this.acquiring = false;
    this.cancelWait = undefined;
    if (this.over) return;
    this.outgoing = carrier.send(this.outgoingHead!, this);
    if (this.held) this.flush(this.held, this.outgoing);
    this.askForBody();
  }

  unreachable(error: Error): void {
    this.acquiring = false;
    this.cancelWait = undefined;
    if (!this.over) this.owner.failed(error);
  }

  private flush({ body, end }: HeldRequest, outgoing: OutgoingRequest): void {
    this.held = undefined;
    let accepting = true;
    for (const chunk of body) accepting = outgoing.body(chunk);
    if (end) outgoing.end(end.trailers);
    if (accepting && body.length > 0) this.answer.responder.resume();
  }

  /** The container has the head. A client that expects `100 Continue` gets it when the container says so, or in a second. */
  private askForBody(): void {
    if (this.requestEnded || this.over) return;
    if (!this.request.headers.has(names.expect)) {
      this.answer.responder.continueBody();
      return;
    }
    this.cancelWait = this.context.clock.setTimer(expectContinueMs, () => this.answer.responder.continueBody());
  }

  // --- the container's part

  informational(status: number, headers: HeaderList): void {
    if (this.over) return;
    if (status === 100) this.answer.responder.continueBody();
    else this.answer.informational(status, headers);
  }

  head(head: ResponseHead): void {
    if (this.over) return;
    this.cancelWait?.();
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
    if (!this.over) this.answer.responder.resume();
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
