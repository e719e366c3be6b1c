import type { Clock } from "../lib/clock.ts";

/** What the autoscaler is told about one second. */
export interface StatReport {
  readonly averageConcurrency: number;
  readonly averageProxiedConcurrency: number;
  readonly requestCount: number;
  readonly proxiedRequestCount: number;
}

/** Integrates concurrency over time. Source: networking pkg/http/stats/request.go. */
export interface RequestStats {
  enter(proxied: boolean): void;
  leave(proxied: boolean): void;
  /** The averages since the last report; starts a new window. */
  report(): StatReport;
}

/** Creates stats that start now. */
export function createRequestStats(clock: Clock): RequestStats {
  let lastChange = clock.monotonic();
  let concurrency = 0;
  let proxied = 0;
  let usedMs = 0;
  let sum = 0;
  let proxiedSum = 0;
  let count = 0;
  let proxiedCount = 0;

  const advance = () => {
    const now = clock.monotonic();
    const elapsedMs = now - lastChange;
    if (elapsedMs <= 0) return;
    usedMs += elapsedMs;
    sum += concurrency * elapsedMs;
    proxiedSum += proxied * elapsedMs;
    lastChange = now;
  };
  return {
    enter(isProxied) {
      advance();
      concurrency++;
      count++;
      if (!isProxied) return;
      proxied++;
      proxiedCount++;
    },
    leave(isProxied) {
      advance();
      concurrency--;
      if (isProxied) proxied--;
    },
    report() {
      advance();
      const result = {
        averageConcurrency: usedMs > 0 ? sum / usedMs : 0,
        averageProxiedConcurrency: usedMs > 0 ? proxiedSum / usedMs : 0,
        requestCount: count,
        proxiedRequestCount: proxiedCount,
      };
      usedMs = 0;
      sum = 0;
      proxiedSum = 0;
      count = 0;
      proxiedCount = 0;
      return result;
    },
  };
}

/** The reporting period of the sidecar, in milliseconds. */
const reportingPeriodMs = 1000;

/** Produces the message that the autoscaler scrapes: cut once a second, the same until the next cut. */
export interface StatReporter {
  /** The current protobuf message (autoscaler `metrics.Stat`). */
  message(): Buffer;
  stop(): void;
}

/** Starts to cut a report every second. Source: serving v0.42.2 pkg/queue/protobuf_stats_reporter.go. */
export function startStatReporter(clock: Clock, podName: string, stats: RequestStats): StatReporter {
  const startedMs = clock.monotonic();
  let message = encodeStat(podName, undefined, 0);
  let cancel: () => void;
  let dueMs = startedMs + reportingPeriodMs;
  const tick = () => {
    message = encodeStat(podName, stats.report(), (clock.monotonic() - startedMs) / 1000);
    dueMs = Math.max(dueMs + reportingPeriodMs, clock.monotonic());
    cancel = clock.setTimer(Math.max(0, dueMs - clock.monotonic()), tick);
  };
  cancel = clock.setTimer(reportingPeriodMs, tick);
  return { message: () => message, stop: () => cancel() };
}

/** Encodes `metrics.Stat`; fields that are zero are left out, as proto3 does. */
export function encodeStat(podName: string, report: StatReport | undefined, uptimeSeconds: number): Buffer {
  const name = Buffer.from(podName, "utf8");
  const parts: Buffer[] = [];
  if (name.length > 0) parts.push(Buffer.from([0x0a, ...varint(name.length)]), name);
  const doubles: readonly (readonly [field: number, value: number])[] = [
    [2, report?.averageConcurrency ?? 0],
    [3, report?.averageProxiedConcurrency ?? 0],
    [4, (report?.requestCount ?? 0) / (reportingPeriodMs / 1000)],
    [5, (report?.proxiedRequestCount ?? 0) / (reportingPeriodMs / 1000)],
    [6, uptimeSeconds],
  ];
  for (const [field, value] of doubles) {
    if (value === 0) continue;
    const bytes = Buffer.alloc(9);
    bytes[0] = (field << 3) | 1;
    bytes.writeDoubleLE(value, 1);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
