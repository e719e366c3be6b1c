import type { HeaderList } from "./codec/headers.ts";
import type { OutgoingHead, RequestHead } from "./message.ts";

/** A unit of work that is timed. */
export interface Span {
  annotateError(text: string): void;
  end(): void;
}

/** The spans of one proxied request. */
export interface RequestTrace {
  /** The breaker wait begins or ends. */
  queueWait(): Span;
  /** The request goes out: adds the headers that carry the context. */
  send(outgoing: OutgoingHead): Span & { status(code: number): void };
  finish(status: number): void;
}

/** Makes spans and exports the sampled ones. */
export interface Tracer {
  startProbe(headers: HeaderList): Span;
  start(request: RequestHead): RequestTrace;
}
