import { names } from "./codec/headers.ts";
import type { OutgoingHead, RequestHead } from "./message.ts";
import { routeTag } from "./metrics.ts";
import { isProbe } from "./probe-request.ts";
import type { ProxyContext } from "./proxy.ts";
import type { RequestTrace } from "./tracing.ts";

/** What one request leaves behind: statistics, metrics, spans, a line in the request log. */
export class RequestRecord {
  private readonly context: ProxyContext;
  private readonly request: RequestHead;
  private readonly startedMs: number;
  private readonly quiet: boolean;
  private readonly proxied: boolean;
  private readonly tag: string;
  private readonly trace: RequestTrace | undefined;
  private counted = false;
  private forwardedMs = -1;

  constructor(context: ProxyContext, request: RequestHead) {
    this.context = context;
    this.request = request;
    this.startedMs = context.clock.monotonic();
    this.quiet = isProbe(request.headers);
    this.proxied = request.headers.get(names.proxyRequest) === "activator";
    this.tag = routeTag(request.headers);
    this.trace = context.tracer?.start(request);
  }

  /** The request counts as load from now on. */
  count(): void {
    this.counted = true;
    this.context.stats.enter(this.proxied);
  }

  waits(): void {
    this.trace?.waits();
  }

  waited(): void {
    this.trace?.waited();
  }

  /** The request is the container's from now on. */
  forwarded(): void {
    const { clock, breaker, metrics } = this.context;
    this.forwardedMs = clock.monotonic();
    if (breaker) metrics?.queueDepth(breaker.inFlight());
  }

  /** Adds the headers that carry the trace on. */
  sends(head: OutgoingHead): void {
    this.trace?.sends(head);
  }

  /** The request is over. `appStatus`: what the container's part amounted to; `size`: of the answer's body. */
  finish(status: number, appStatus: number, size: number): void {
    const { context, request } = this;
    const nowMs = context.clock.monotonic();
    if (this.counted) context.stats.leave(this.proxied);
    if (context.metrics && !this.quiet) {
      if (this.forwardedMs >= 0) context.metrics.appRequest(appStatus, nowMs - this.forwardedMs);
      context.metrics.request(status, this.tag, nowMs - this.startedMs);
    }
    this.trace?.finish(status, appStatus);
    if (context.requestLog && (!this.quiet || context.requestLog.logsProbes)) {
      context.requestLog.write(request, status, size, nowMs - this.startedMs);
    }
  }
}
