import type { HeaderList } from "./codec/headers.ts";

/** How long a message body is: a byte count, or unknown until its end arrives. */
export type BodyLength = number | "unknown";

/** Who sent a request. */
export interface Peer {
  readonly secure: boolean;
  /** Address and port of the client, as `10.0.0.1:1234` or `[::1]:1234`. */
  readonly remoteAddress: string;
}

/** A request as it was received, whatever the protocol. */
export interface RequestHead extends Peer {
  readonly method: string;
  /** Origin-form target with the raw query, or `*`. */
  readonly target: string;
  /** The request line's target as the client wrote it. */
  readonly requestUri: string;
  /** The authority: Host header, `:authority`, or that of an absolute-form target; "" when absent (HTTP/1.0). */
  readonly host: string;
  readonly protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2.0";
  /** Every header field except Host, Content-Length and Transfer-Encoding, which are told by the other fields. */
  readonly headers: HeaderList;
  readonly bodyLength: BodyLength;
  /** The protocol the client asks to switch to (`websocket`), or undefined. */
  readonly upgrade: string | undefined;
}

/** A final response head. Content-Length and Transfer-Encoding are not among the headers. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderList;
  readonly bodyLength: BodyLength;
  /** Trailer names to announce, as the `Trailer` header's value. */
  readonly trailer?: string | undefined;
}

/** Where one request's answer goes; implemented by HTTP/1.1 connections and HTTP/2 streams. */
export interface Responder {
  /** Sends an informational response (1xx other than 101). */
  informational(status: number, headers: HeaderList): void;
  head(head: ResponseHead): void;
  /** Sends body bytes, which the caller must not touch again. False: wait for `writable` before sending more. */
  body(chunk: Uint8Array): boolean;
  end(trailers?: HeaderList): void;
  /** Cuts the answer off, so that the client cannot mistake it for a complete one. */
  abort(): void;
  /** Answers 101; from then on `body` and `end` write raw bytes and the consumer receives raw bytes. */
  switchProtocols(headers: HeaderList): void;
  /** Stops and restarts delivery of the request body (back-pressure). */
  pause(): void;
  resume(): void;
  /** The request's body is wanted: sends `100 Continue` if the client waits for it. */
  continueBody(): void;
}

/** Receives what follows a request's head. */
export interface RequestConsumer {
  body(chunk: Uint8Array): void;
  end(trailers?: HeaderList): void;
  /** The responder takes bytes again. */
  writable(): void;
  /** The client is gone or broke the protocol; nothing sent from now on is seen. */
  aborted(): void;
}

/** Starts to answer one request. */
export type Handler = (request: RequestHead, responder: Responder) => RequestConsumer;

/** A request on its way to a backend; implemented by HTTP/1.1 connections and HTTP/2 streams. */
export interface OutgoingRequest {
  body(chunk: Uint8Array): boolean;
  end(trailers?: HeaderList): void;
  abort(): void;
  pause(): void;
  resume(): void;
}

/** What is sent to a backend. */
export interface OutgoingHead {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: HeaderList;
  readonly bodyLength: BodyLength;
  readonly upgrade: string | undefined;
}

/** Receives a backend's answer. */
export interface ResponseConsumer {
  informational(status: number, headers: HeaderList): void;
  head(head: ResponseHead): void;
  body(chunk: Uint8Array): void;
  end(trailers?: HeaderList): void;
  /** The backend answered 101: raw bytes follow as body. */
  switched(headers: HeaderList): void;
  writable(): void;
  /** No (further) answer comes. `replayable`: the backend cannot have acted upon the request. */
  failed(error: Error, replayable: boolean): void;
}
