import type { RequestHead } from "./message.ts";

/** Writes one line per request. Source: serving v0.42.2 pkg/http/request_log.go. */
export interface RequestLog {
  /** Whether probes are logged too. */
  readonly logsProbes: boolean;
  write(request: RequestHead, status: number, size: number, latencyMs: number): void;
}
