import { type HeaderList, names } from "./codec/headers.ts";

/** A span's identity as it travels in headers. Ids are lower-case hex. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  /** W3C tracestate, passed on as it is. */
  readonly state: string | undefined;
}

const parentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const b3TracePattern = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i;
const b3SpanPattern = /^[0-9a-f]{16}$/i;
const zero = /^0+$/;

/** Reads W3C trace context, else B3 headers. Source: knative.dev/pkg tracing/propagation/tracecontextb3. */
export function readTraceContext(headers: HeaderList): TraceContext | undefined {
  const parent = parentPattern.exec(headers.get(names.traceParent) ?? "");
  if (parent && !zero.test(parent[1]!) && !zero.test(parent[2]!)) {
    const sampled = (Number.parseInt(parent[3]!, 16) & 1) === 1;
    return { traceId: parent[1]!, spanId: parent[2]!, sampled, state: headers.get(names.traceState) };
  }
  const traceId = headers.get(names.b3TraceId) ?? "";
  const spanId = headers.get(names.b3SpanId) ?? "";
  if (!b3TracePattern.test(traceId) || !b3SpanPattern.test(spanId)) return undefined;
  const sampled = ["1", "true"].includes(headers.get(names.b3Sampled) ?? "") || headers.get(names.b3Flags) === "1";
  return { traceId: traceId.toLowerCase().padStart(32, "0"), spanId: spanId.toLowerCase(), sampled, state: undefined };
}

/** Writes the context both ways: W3C and B3. */
export function writeTraceContext(headers: HeaderList, context: TraceContext): void {
  headers.set(names.traceParent, `00-${context.traceId}-${context.spanId}-${context.sampled ? "01" : "00"}`);
  if (context.state === undefined) headers.remove(names.traceState);
  else headers.set(names.traceState, context.state);
  headers.set(names.b3TraceId, context.traceId);
  headers.set(names.b3SpanId, context.spanId);
  headers.set(names.b3Sampled, context.sampled ? "1" : "0");
}

const pool = Buffer.alloc(4096);
let poolUsed = pool.length;

/** So many random bytes, as hex. */
export function randomHex(bytes: number): string {
  if (poolUsed + bytes > pool.length) {
    crypto.getRandomValues(pool);
    poolUsed = 0;
  }
  poolUsed += bytes;
  return pool.toString("hex", poolUsed - bytes, poolUsed);
}
