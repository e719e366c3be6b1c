import type { ClusterStatus } from "./actions.ts";
import { megabytes, type Terminal, table } from "./terminal.ts";

/** A cluster's state for people: its processes in a line, its services as a table. */
export function statusLines(status: ClusterStatus, terminal: Pick<Terminal, "good" | "bad" | "dim">): string[] {
  const memory = status.processes.reduce((sum, process) => sum + process.memoryBytes, 0);
  const restarts = status.processes.reduce((sum, process) => sum + process.restarts, 0);
  const facts = [
    `${status.processes.length} processes`,
    ...(memory > 0 ? [megabytes(memory)] : []),
    ...(restarts > 0 ? [`${restarts} restarts`] : []),
  ];
  const [heading, ...rows] = table([
    ["NAMESPACE", "SERVICE", "READY", "PODS", "REVISION", "URL"],
    ...status.services.map((service) => [
      service.namespace,
      service.name,
      service.ready,
      String(service.pods),
      service.revision ?? "",
      service.ready === "True" ? (service.url ?? "") : (service.message ?? service.reason ?? ""),
    ]),
  ]);
  const painted = rows.map((row, index) => {
    const ready = status.services[index]?.ready;
    return ready === "True" ? terminal.good(row) : ready === "False" ? terminal.bad(row) : row;
  });
  return [terminal.dim(facts.join(", ")), ...(rows.length > 0 ? [heading ?? "", ...painted] : ["no services yet"])];
}
