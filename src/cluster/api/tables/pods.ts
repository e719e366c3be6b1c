import type { Column, Item } from "../resource.ts";
import type { Fields } from "../typed-values.ts";
import { mapOf, mapsIn, textOf } from "../typed-values.ts";
import { ageColumn, countOf, nameColumn, number, specOf, statusOf, text, wide } from "./cells.ts";
import { age } from "./table.ts";

/** Source: k8s.io/kubernetes pkg/printers/internalversion printPod. */
export const podColumns: readonly Column[] = [
  nameColumn,
  text("Ready", "The aggregate readiness state of this pod for accepting traffic.", (pod) => {
    const { ready, total } = summarize(pod);
    return `${ready}/${total}`;
  }),
  text("Status", "The aggregate status of the containers in this pod.", (pod) => summarize(pod).reason),
  text(
    "Restarts",
    "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
    (pod, nowMs) => {
      const { restarts, lastRestart } = summarize(pod);
      return restarts > 0 && lastRestart !== undefined
        ? `${restarts} (${age(lastRestart, nowMs)} ago)`
        : String(restarts);
    },
  ),
  ageColumn,
  wide(text("IP", "IP address allocated to the pod.", (pod) => textOf(statusOf(pod)["podIP"]) || "<none>")),
  wide(text("Node", "The node of the pod.", (pod) => textOf(specOf(pod)["nodeName"]) || "<none>")),
  wide(
    text(
      "Nominated Node",
      "The node that the pod is nominated for.",
      (pod) => textOf(statusOf(pod)["nominatedNodeName"]) || "<none>",
    ),
  ),
  wide(text("Readiness Gates", "The pod's readiness gates that are met.", readinessGates)),
];

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  readonly lastRestart: string | undefined;
  readonly reason: string;
}

const summaries = new WeakMap<Item, Summary>();

function summarize(pod: Item): Summary {
  let summary = summaries.get(pod);
  if (!summary) {
    summary = makeSummary(pod);
    summaries.set(pod, summary);
  }
  return summary;
}

function makeSummary(pod: Item): Summary {
  const status = statusOf(pod);
  const spec = specOf(pod);
  const sidecars = mapsIn(spec["initContainers"]).filter((container) => container["restartPolicy"] === "Always");
  const total = mapsIn(spec["containers"]).length + sidecars.length;
  let reason = textOf(status["reason"]) || textOf(status["phase"]) || "Unknown";
  const scheduled = mapsIn(status["conditions"]).find(({ type }) => type === "PodScheduled");
  if (scheduled?.["reason"] === "SchedulingGated") reason = "SchedulingGated";

  const initializing = initReason(pod);
  const containers = mapsIn(status["containerStatuses"]);
  const isSidecar = ({ name }: Fields) => sidecars.some((container) => container["name"] === name);
  const counted = [...mapsIn(status["initContainerStatuses"]).filter(isSidecar), ...containers];
  const running = initializing === undefined;
  const restarting = running ? counted : mapsIn(status["initContainerStatuses"]);
  const restarts = restarting.reduce((sum, container) => sum + countOf(container["restartCount"]), 0);
  const finished = restarting
    .map((container) => mapOf(mapOf(container["lastState"])["terminated"])["finishedAt"])
    .filter((time) => typeof time === "string")
    .sort();
  const ready = counted.filter(
    (container) => container["ready"] === true && mapOf(container["state"])["running"] !== undefined,
  ).length;
  if (!running) reason = initializing;
  else reason = containerReason(containers, status) ?? reason;
  if (pod.metadata.deletionTimestamp && status["reason"] === "NodeLost") reason = "Unknown";
  else if (pod.metadata.deletionTimestamp && status["phase"] !== "Succeeded" && status["phase"] !== "Failed")
    reason = "Terminating";
  return { ready, total, restarts, lastRestart: finished.at(-1) as string | undefined, reason };
}

/** Why the pod has not got past its init containers; undefined once it has. */
function initReason(pod: Item): string | undefined {
  const declared = mapsIn(specOf(pod)["initContainers"]);
  for (const [index, container] of mapsIn(statusOf(pod)["initContainerStatuses"]).entries()) {
    const state = mapOf(container["state"]);
    const terminated = mapOf(state["terminated"]);
    if (state["terminated"] !== undefined && countOf(terminated["exitCode"]) === 0) continue;
    const sidecar = declared.find(({ name }) => name === container["name"])?.["restartPolicy"] === "Always";
    if (sidecar && container["started"] === true) continue;
    if (state["terminated"] !== undefined) return `Init:${endReason(terminated)}`;
    const waiting = textOf(mapOf(state["waiting"])["reason"]);
    if (waiting !== "" && waiting !== "PodInitializing") return `Init:${waiting}`;
    return `Init:${index}/${declared.length}`;
  }
  return undefined;
}

function endReason(terminated: Fields): string {
  const reason = textOf(terminated["reason"]);
  if (reason !== "") return reason;
  return countOf(terminated["signal"]) !== 0
    ? `Signal:${countOf(terminated["signal"])}`
    : `ExitCode:${countOf(terminated["exitCode"])}`;
}

function containerReason(containers: readonly Fields[], status: Fields): string | undefined {
  let reason: string | undefined;
  let running = false;
  for (const container of containers.toReversed()) {
    const state = mapOf(container["state"]);
    const waiting = textOf(mapOf(state["waiting"])["reason"]);
    if (waiting !== "") reason = waiting;
    else if (state["terminated"] !== undefined) reason = endReason(mapOf(state["terminated"]));
    else if (container["ready"] === true && state["running"] !== undefined) running = true;
  }
  if (reason !== "Completed" || !running) return reason;
  const ready = mapsIn(status["conditions"]).some(({ type, status: value }) => type === "Ready" && value === "True");
  return ready ? "Running" : "NotReady";
}

function readinessGates(pod: Item): string {
  const gates = mapsIn(specOf(pod)["readinessGates"]);
  if (gates.length === 0) return "<none>";
  const conditions = mapsIn(statusOf(pod)["conditions"]);
  const met = gates.filter((gate) =>
    conditions.some(({ type, status }) => type === gate["conditionType"] && status === "True"),
  );
  return `${met.length}/${gates.length}`;
}

export const replicaCount = (name: string, description: string, of: (object: Item) => unknown): Column =>
  number(name, description, (object) => countOf(of(object)));
