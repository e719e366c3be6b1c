import type { Clock } from "../lib/clock.ts";
import { probeGrpc } from "./probe-grpc.ts";
import { probeHttp } from "./probe-http.ts";
import { probeTcp } from "./probe-tcp.ts";
import type { Network } from "./transport.ts";

const aggressiveTryMs = 100;
const aggressiveIntervalMs = 50;
const aggressiveLimitMs = 10_000;

/** The part of core/v1 Probe that matters here. */
export interface ProbeSpec {
  readonly httpGet?: HttpGetAction;
  readonly tcpSocket?: { readonly host?: string; readonly port: number | string };
  readonly grpc?: { readonly port: number; readonly service?: string | null };
  readonly exec?: unknown;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
}

export interface HttpGetAction {
  readonly path?: string;
  readonly port: number | string;
  readonly host?: string;
  readonly scheme?: string;
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}

export interface ReadinessContext {
  readonly network: Network;
  readonly clock: Clock;
  readonly detectHttp2: boolean;
  /** Receives one line per failed check. */
  readonly report: (line: string) => void;
}

/** Decodes SERVING_READINESS_PROBE. Throws when it is no JSON. Source: serving v0.42.2 pkg/queue/readiness/probe_encoding.go. */
export function parseProbes(text: string, several: boolean): readonly ProbeSpec[] {
  const decoded: unknown = JSON.parse(text);
  if (several && Array.isArray(decoded)) return decoded as readonly ProbeSpec[];
  if (typeof decoded !== "object" || decoded === null || Array.isArray(decoded)) {
    throw new Error("SERVING_READINESS_PROBE: not a probe object; give a core/v1 Probe as JSON");
  }
  return [decoded as ProbeSpec];
}

/**
 * Makes the check of the user container: all probes must pass, in parallel; callers that come while a check runs share
 * it. Source: serving v0.42.2 pkg/queue/readiness/probe.go.
 */
export function createReadiness(context: ReadinessContext, probes: readonly ProbeSpec[]): () => Promise<boolean> {
  const runs = probes.map((probe) => createRun(context, probe));
  let current: Promise<boolean> | undefined;
  const check = async (): Promise<boolean> => {
    const outcomes = await Promise.all(runs.map((run) => run()));
    const failure = outcomes.find((outcome) => outcome !== undefined);
    if (failure) context.report(failure.message);
    return failure === undefined;
  };
  return () => {
    current ??= check().finally(() => {
      current = undefined;
    });
    return current;
  };
}

type Attempt = (timeoutMs: number) => Promise<void>;

/** One probe's check; resolves to the reason of a failure. */
function createRun(context: ReadinessContext, probe: ProbeSpec): () => Promise<Error | undefined> {
  const attempt = makeAttempt(context, probe);
  if (attempt instanceof Error) return async () => attempt;
  const settled = async (timeoutMs: number): Promise<Error | undefined> => {
    try {
      await attempt(timeoutMs);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  };
  if ((probe.periodSeconds ?? 0) !== 0) return () => settled((probe.timeoutSeconds ?? 0) * 1000);
  let successes = 0;
  return async () => {
    const { clock } = context;
    const endMs = clock.monotonic() + aggressiveLimitMs;
    let failures = 0;
    let last: Error | undefined;
    for (;;) {
      const startedMs = clock.monotonic();
      const failure = await settled(aggressiveTryMs);
      if (failure) {
        successes = 0;
        failures++;
        last = failure;
      } else if (++successes >= (probe.successThreshold ?? 0)) {
        return undefined;
      }
      // The interval counts from the start of a try, as a ticker does.
      const pauseMs = Math.max(0, aggressiveIntervalMs - (clock.monotonic() - startedMs));
      if (clock.monotonic() + pauseMs > endMs) break;
      await clock.sleep(pauseMs);
    }
    if (last) context.report(`aggressive probe error (failed ${failures} times): ${last.message}`);
    return new Error("context deadline exceeded");
  };
}

function makeAttempt(context: ReadinessContext, probe: ProbeSpec): Attempt | Error {
  const { network, clock } = context;
  const { httpGet, tcpSocket, grpc } = probe;
  if (httpGet) return (timeoutMs) => probeHttp(network, clock, httpGet, timeoutMs, context.detectHttp2);
  if (tcpSocket) {
    return (timeoutMs) => probeTcp(network, clock, tcpSocket.host || "127.0.0.1", Number(tcpSocket.port), timeoutMs);
  }
  if (grpc) return (timeoutMs) => probeGrpc(network, clock, grpc.port, grpc.service ?? "", timeoutMs);
  return new Error(probe.exec ? "exec probe not supported" : "no probe found");
}
