import type { Probe } from "../../../apis/core/pod-spec.ts";
import { type Clock, pause } from "../../../lib/clock.ts";
import type { Outcome } from "./actions.ts";
import { initialProbeState, nextProbeState, type ProbeKind, type ProbeState } from "./state.ts";

export interface ProberSpec {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  /** What an earlier agent found out; undefined for a container that has just started. */
  readonly known: "success" | undefined;
  /** When the container started, on the wall clock. */
  readonly startedAtMs: number;
  readonly clock: Clock;
  /** Makes one attempt; never rejects. */
  readonly attempt: () => Promise<Outcome>;
  /** The result changed. */
  readonly onResult: (healthy: boolean) => void;
  /** An attempt that counts has failed. */
  readonly onFailure: (message: string) => void;
  /** Ends the probing. */
  readonly signal: AbortSignal;
}

/** A container that is starting is asked this often at first, and ever less up to the last, until it first answers. */
const eagerFirstMs = 10;
const eagerLastMs = 250;

/**
 * Probes a container until the signal aborts; a startup probe ends with its first result. Until readiness or startup
 * succeed for the first time, attempts come in between the periods, whose failures do not count: so a container is
 * ready as soon as it can be, while thresholds mean what they say.
 */
export async function runProber(spec: ProberSpec): Promise<void> {
  const { kind, probe, clock, signal } = spec;
  const periodMs = (probe.periodSeconds || 10) * 1000;
  let state: ProbeState = { ...initialProbeState(kind), ...(spec.known && { result: spec.known }) };
  let eager = kind !== "liveness" && spec.known === undefined;
  let eagerMs = eagerFirstMs;
  // The wall clock says how old the container is, and may be set at any time: no wait is counted by it.
  const initialDelayMs = (probe.initialDelaySeconds ?? 0) * 1000;
  const ageMs = Math.max(0, clock.now() - spec.startedAtMs);
  const firstDueAt = clock.monotonic() + Math.max(0, initialDelayMs - ageMs);
  let countsAt = firstDueAt + (eager ? periodMs : 0);
  let nextAt = firstDueAt;

  while (!signal.aborted) {
    await pause(clock, Math.max(0, nextAt - clock.monotonic()), signal);
    if (signal.aborted) return;
    const outcome = await spec.attempt();
    if (signal.aborted) return;
    const now = clock.monotonic();
    const counts = outcome.ok || !eager || now >= countsAt;
    if (counts) {
      countsAt = now + periodMs;
      const before = state.result;
      state = nextProbeState(state, outcome.ok ? "success" : "failure", probe);
      if (!outcome.ok) spec.onFailure(outcome.message);
      const decided = state.result === before ? undefined : state.result;
      if (decided) spec.onResult(decided === "success");
      // A failed liveness or startup probe ends the container; the one that comes next has probers of its own.
      if (decided && (kind === "startup" || (kind === "liveness" && decided === "failure"))) return;
      if (state.result === "success") eager = false;
    }
    if (eager && !outcome.ok) {
      nextAt = Math.min(now + eagerMs, Math.max(countsAt, now + 1));
      eagerMs = Math.min(eagerMs * 2, eagerLastMs, periodMs);
    } else nextAt = now + periodMs;
  }
}
