import type { Clock } from "../lib/clock.ts";
import { answerError, answerWith, plainText } from "./answer.ts";
import { HeaderList, names } from "./codec/headers.ts";
import type { Responder, ResponseHead } from "./message.ts";
import { pruneResponse } from "./outgoing.ts";
import { sniffContentType } from "./sniff.ts";

const timeoutText = "request timeout";

/** The container's answer on its way to the client, and how far it has come. */
export class ClientAnswer {
  readonly responder: Responder;
  private readonly clock: Clock;
  private readonly method: string;
  private heldHead: ResponseHead | undefined;
  /** When something was last written, on the monotonic clock; negative: nothing yet. */
  lastWriteMs = -1;
  /** The final head is under way: no other answer is possible. */
  begun = false;
  status = 200;
  /** Bytes of body so far. */
  size = 0;

  constructor(responder: Responder, clock: Clock, method: string) {
    this.responder = responder;
    this.clock = clock;
    this.method = method;
  }

  /** The connection has become a tunnel. */
  get switched(): boolean {
    return this.status === 101;
  }

  informational(status: number, headers: HeaderList): void {
    this.wrote();
    pruneResponse(headers);
    this.responder.informational(status, headers);
  }

  head(head: ResponseHead): void {
    this.begun = true;
    this.status = head.status;
    this.wrote();
    pruneResponse(head.headers);
    if (this.wantsSniffing(head)) this.heldHead = head;
    else this.responder.head(head);
  }

  /** False: wait for the request's `writable`. */
  body(chunk: Uint8Array): boolean {
    this.wrote();
    this.size += chunk.length;
    this.releaseHead(chunk);
    return this.responder.body(chunk);
  }

  end(trailers?: HeaderList): void {
    this.releaseHead(undefined);
    this.responder.end(trailers);
  }

  /** The connection becomes a tunnel, whose bytes do not count as written (as a hijacked connection's in Go). */
  switchProtocols(headers: HeaderList, protocol: string | undefined): void {
    this.begun = true;
    this.status = 101;
    pruneResponse(headers);
    headers.add(names.connection, "Upgrade");
    if (protocol !== undefined) headers.add(names.upgrade, protocol);
    this.responder.switchProtocols(headers);
  }

  /** Answers in the container's place, as Go's http.Error does. */
  error(status: number, text: string): void {
    this.status = status;
    this.size = text.length + 1;
    answerError(this.responder, status, text);
  }

  /** The time is over: 504, or, as upstream, the same text after what a response that has stalled consists of so far. */
  timeOut(): void {
    if (this.switched) {
      this.responder.abort();
    } else if (this.begun) {
      this.body(Buffer.from(timeoutText));
      this.end();
    } else {
      this.status = 504;
      this.size = timeoutText.length;
      const headers = new HeaderList();
      headers.add(names.contentType, plainText);
      answerWith(this.responder, 504, headers, timeoutText);
    }
  }

  /** Cuts the answer off. */
  abort(): void {
    this.responder.abort();
  }

  private wrote(): void {
    this.lastWriteMs = this.clock.monotonic();
  }

  /** As Go's server: a body without a type gets one by its first bytes, so its head waits for them. */
  private wantsSniffing({ status, headers, bodyLength }: ResponseHead): boolean {
    if (bodyLength === 0 || status === 204 || status === 304 || this.method === "HEAD") return false;
    return !headers.has(names.contentType) && !headers.has(names.contentEncoding);
  }

  private releaseHead(firstBytes: Uint8Array | undefined): void {
    const head = this.heldHead;
    if (!head) return;
    this.heldHead = undefined;
    if (firstBytes && firstBytes.length > 0) head.headers.add(names.contentType, sniffContentType(firstBytes));
    this.responder.head(head);
  }
}
