/** What is asked of the load generator. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  readonly path: string;
  /** HTTP/2 with prior knowledge, and so many streams under way on each connection; absent: HTTP/1.1. */
  readonly streams?: number;
  /** Bytes of request body. */
  readonly upload?: number;
  /** Requests per second offered, whatever the answers take; absent: each connection asks again at once. */
  readonly rate?: number;
}

/** What a load came to; latencies in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly failures: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

/** What one load has seen so far, and when it ends. */
export class Tally {
  failures = 0;
  readonly endMs: number;
  private readonly startedMs = performance.now();
  private latencies = new Float64Array(64 * 1024);
  private requests = 0;

  constructor(durationMs: number) {
    this.endMs = this.startedMs + durationMs;
  }

  answered(latencyMs: number): void {
    if (this.requests === this.latencies.length) {
      const larger = new Float64Array(2 * this.requests);
      larger.set(this.latencies);
      this.latencies = larger;
    }
    this.latencies[this.requests++] = latencyMs;
  }

  result(): LoadResult {
    const { requests, failures } = this;
    const sorted = this.latencies.subarray(0, requests).sort();
    const at = (share: number) => sorted[Math.min(requests - 1, Math.floor(requests * share))] ?? Number.NaN;
    const seconds = (performance.now() - this.startedMs) / 1000;
    return { requests, failures, seconds, p50: at(0.5), p99: at(0.99) };
  }
}
