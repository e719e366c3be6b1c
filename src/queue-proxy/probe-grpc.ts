import type { Clock } from "../lib/clock.ts";
import type { Network } from "./transport.ts";

/** One gRPC health check. Rejects with the reason. Source: serving v0.42.2 pkg/queue/health/probe.go (GRPCProbe). */
export function probeGrpc(
  _network: Network,
  _clock: Clock,
  _port: number,
  _service: string,
  _timeoutMs: number,
): Promise<void> {
  return Promise.reject(new Error("gRPC probes need the HTTP/2 client"));
}
