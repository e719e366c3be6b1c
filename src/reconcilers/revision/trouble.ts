import type { Event } from "../../apis/core/event.ts";
import type { ContainerStatus, Pod } from "../../apis/core/pod.ts";
import { queueContainerName } from "./queue-container.ts";

/** Why a revision has no pod that works. */
export interface Trouble {
  readonly condition: "ResourcesAvailable" | "ContainerHealthy";
  /** False: it will not heal by itself, or has had its time. Unknown: it may still come right. */
  readonly status: "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/** States on the normal way to running. */
const underWay: readonly string[] = ["ContainerCreating", "PodInitializing"];
/** The first failure of a pull; if it persists, the state becomes ImagePullBackOff. */
const mayPass: readonly string[] = ["ErrImagePull", "RegistryUnavailable"];
const setupEvents: readonly string[] = ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"];

/**
 * The deepest cause that pods and their Warning events tell, the most decisive first: not scheduled, a container that
 * exited, one that cannot start, volumes that cannot be mounted, a probe that fails. Undefined while all is on its way.
 * `timedOut` says that the Deployment has given up. Source of scheduling, exits and waiting: serving v0.42.2
 * pkg/reconciler/revision; that it is told at once, and all the rest, is ours.
 */
export function findTrouble(
  pods: readonly Pod[],
  warningsOf: (pod: Pod) => readonly Event[],
  timedOut: boolean,
): Trouble | undefined {
  const present = pods
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .sort((a, b) => (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? ""));
  for (const look of [unscheduled, exited, waiting, unmounted, unhealthy]) {
    for (const pod of present) {
      const trouble = look(pod, warningsOf, timedOut);
      if (trouble) return trouble;
    }
  }
  return undefined;
}

type Look = (pod: Pod, warningsOf: (pod: Pod) => readonly Event[], timedOut: boolean) => Trouble | undefined;

const unscheduled: Look = (pod) => {
  const scheduled = pod.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  return scheduled && resources("False", scheduled.reason, scheduled.message);
};

const exited: Look = (pod) => {
  for (const status of userContainers(pod)) {
    const end = status.lastState?.terminated ?? status.state?.terminated;
    if (!end) continue;
    const words = end.message || (end.exitCode === 0 ? "container exited with no error" : "");
    return {
      condition: "ContainerHealthy",
      status: "False",
      reason: `ExitCode${end.exitCode}`,
      message: `Container failed with: ${words}`,
    };
  }
  for (const { name, state, lastState } of pod.status?.initContainerStatuses ?? []) {
    const end = [state?.terminated, lastState?.terminated].find((one) => one && one.exitCode !== 0);
    if (end) {
      const message = `Init container ${name} failed with: ${end.message ?? ""}`;
      return { condition: "ContainerHealthy", status: "False", reason: `ExitCode${end.exitCode}`, message };
    }
  }
  return undefined;
};

const waiting: Look = (pod, _, timedOut) => {
  for (const status of [
    ...(pod.status?.initContainerStatuses ?? []),
    ...userContainers(pod),
    ...(pod.status?.containerStatuses ?? []),
  ]) {
    const state = status.state?.waiting;
    const reason = state?.reason ?? "";
    if (!state || (underWay.includes(reason) && !timedOut)) continue;
    const passing = !timedOut && (mayPass.includes(reason) || reason === "");
    return resources(passing ? "Unknown" : "False", reason, state.message);
  }
  return undefined;
};

const unmounted: Look = (pod, warningsOf, timedOut) => {
  const event = latest(warningsOf(pod), setupEvents);
  return event && resources(timedOut ? "False" : "Unknown", event.reason, event.message);
};

const unhealthy: Look = (pod, warningsOf) => {
  const running = (pod.status?.containerStatuses ?? []).some(({ ready, state }) => !ready && state?.running);
  const events = running ? warningsOf(pod) : [];
  // That nothing listens at the port says more than that the probe fails.
  const event = latest(events, ["PortNotServed"]) ?? latest(events, ["Unhealthy", "ProbeWarning"]);
  return (
    event && { condition: "ContainerHealthy", status: "Unknown", reason: "Unhealthy", message: event.message ?? "" }
  );
};

function resources(status: Trouble["status"], reason = "", message = ""): Trouble {
  return { condition: "ResourcesAvailable", status, reason, message };
}

function userContainers(pod: Pod): ContainerStatus[] {
  return (pod.status?.containerStatuses ?? []).filter(({ name }) => name !== queueContainerName);
}

function latest(events: readonly Event[], reasons: readonly string[]): Event | undefined {
  return events
    .filter(({ reason }) => reasons.includes(reason ?? ""))
    .sort((a, b) => timeOf(b).localeCompare(timeOf(a)))[0];
}

function timeOf(event: Event): string {
  return event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? "";
}
