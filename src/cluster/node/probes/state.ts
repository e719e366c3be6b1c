import type { Probe } from "../../../apis/core/pod-spec.ts";

/** What a container is known to be with regard to one probe, and the run of equal outcomes that led there. */
export interface ProbeState {
  readonly result: "unknown" | "success" | "failure";
  readonly last: "success" | "failure" | undefined;
  readonly run: number;
}

export type ProbeKind = "readiness" | "liveness" | "startup";

/** Before the first outcome a container is not ready, alive, and not known to have started. */
export function initialProbeState(kind: ProbeKind): ProbeState {
  const result = kind === "readiness" ? "failure" : kind === "liveness" ? "success" : "unknown";
  return { result, last: undefined, run: 0 };
}

/** Takes one outcome in: the result changes after so many equal ones in a row. Source: kubelet prober worker.doProbe. */
export function nextProbeState(
  state: ProbeState,
  outcome: "success" | "failure",
  probe: Pick<Probe, "successThreshold" | "failureThreshold">,
): ProbeState {
  const run = state.last === outcome ? state.run + 1 : 1;
  const threshold = outcome === "success" ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { result: run >= threshold ? outcome : state.result, last: outcome, run };
}
