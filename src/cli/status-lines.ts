import type { ClusterStatus, ProcessStatus } from "./actions.ts";
import { megabytes, type Terminal, table } from "./terminal.ts";

/** A cluster's state for people: its processes in a line, its services as a table. */
export function statusLines(status: ClusterStatus, terminal: Pick<Terminal, "good" | "bad" | "dim">): string[] {
  const memory = memoryOf(status.processes);
  const restarts = status.processes.reduce((sum, process) => sum + process.restarts, 0);
  const facts = [
    `${status.processes.length} processes`,
    ...(memory.bytes > 0 ? [`${megabytes(memory.bytes)} (${memory.measure})`] : []),
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
  const services = rows.length > 0 ? [heading ?? "", ...painted] : ["no services yet"];
  return [terminal.dim(facts.join(", ")), ...(status.problem ? [terminal.bad(status.problem)] : services)];
}

/** What the processes take together: by PSS, which counts once what they share; by RSS where one of them has no PSS. */
export function memoryOf(processes: readonly ProcessStatus[]): { bytes: number; measure: "PSS" | "RSS" } {
  const measure = processes.every((process) => process.proportionalBytes !== undefined) ? "PSS" : "RSS";
  const bytes = processes.reduce(
    (sum, process) => sum + ((measure === "PSS" && process.proportionalBytes) || process.residentBytes),
    0,
  );
  return { bytes, measure };
}
