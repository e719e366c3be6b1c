import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { ZipkinSpan } from "./tracing.ts";

const intervalMs = 1000;
const batchSize = 100;
/** Spans kept while the collector is slow or away; the oldest go first. */
const maxBacklog = 1000;
const requestTimeoutMs = 5000;
const complaintIntervalMs = 60_000;

/** Sends spans to a collector, in batches and in the background. */
export interface ZipkinReporter {
  report(span: ZipkinSpan): void;
  /** Sends what is left, once, and stops. */
  close(): Promise<void>;
}

/** Sends one batch. Rejects when the collector does not take it. */
export type PostSpans = (body: string) => Promise<void>;

/** Creates a reporter: a batch every second or 100 spans, one request at a time. Source: openzipkin/zipkin-go reporter/http. */
export function createZipkinReporter(clock: Clock, logger: Logger, post: PostSpans): ZipkinReporter {
  let backlog: ZipkinSpan[] = [];
  let cancelTimer: (() => void) | undefined;
  let sending: Promise<void> | undefined;
  let complainedMs = Number.NEGATIVE_INFINITY;

  const send = async () => {
    const batch = backlog.splice(0, batchSize);
    if (batch.length === 0) return;
    try {
      await post(JSON.stringify(batch));
    } catch (error) {
      if (clock.monotonic() - complainedMs < complaintIntervalMs) return;
      complainedMs = clock.monotonic();
      logger.warn("failed to send spans to the Zipkin collector; they are dropped", { error });
    }
  };
  const start = () => {
    cancelTimer?.();
    cancelTimer = undefined;
    sending ??= send().finally(() => {
      sending = undefined;
      schedule();
    });
  };
  const schedule = () => {
    if (backlog.length >= batchSize) start();
    else if (backlog.length > 0) cancelTimer ??= clock.setTimer(intervalMs, start);
  };
  return {
    report(span) {
      if (backlog.length >= maxBacklog) backlog = backlog.slice(batchSize);
      backlog.push(span);
      if (!sending) schedule();
    },
    async close() {
      cancelTimer?.();
      await sending;
      cancelTimer?.();
      await send();
      cancelTimer?.();
      backlog = [];
    },
  };
}

/** Posts to a v2 spans URL. The HTTP client is loaded at the first batch: without tracing it costs no memory. */
export function postTo(endpoint: string): PostSpans {
  return async (body) => {
    const { request } = endpoint.startsWith("https:") ? await import("node:https") : await import("node:http");
    await new Promise<void>((resolve, reject) => {
      const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
      const outgoing = request(endpoint, { method: "POST", headers, timeout: requestTimeoutMs }, (response) => {
        response.resume();
        response.on("end", resolve);
        response.on("error", reject);
        if ((response.statusCode ?? 0) >= 300) reject(new Error(`collector answered ${response.statusCode}`));
      });
      outgoing.on("timeout", () => outgoing.destroy(new Error("collector did not answer in time")));
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  };
}
