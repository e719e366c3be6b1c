import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Locate } from "../../lib/locate.ts";
import { lastAttempt, recordsOf } from "./container-records.ts";
import type { LogTimes } from "./log-times.ts";
import type { PodRecord } from "./pod-record.ts";
import type { PodWorker } from "./pod-worker.ts";
import type { NodePods } from "./server.ts";

/** Answers the server's questions from the records on disk of the pods that run here. */
export function createNodePods(
  podsDirectory: string,
  workers: ReadonlyMap<string, { readonly record: PodRecord; readonly worker: Pick<PodWorker, "running"> }>,
  timesOf: (file: string) => LogTimes,
  locate: Locate,
): NodePods {
  const findWorker = (namespace: string, name: string) =>
    [...workers.values()].find(({ record }) => record.namespace === namespace && record.name === name);
  const find = (namespace: string, name: string) => findWorker(namespace, name)?.record;
  return {
    log(namespace, pod, container, previous) {
      const record = find(namespace, pod);
      if (!record) return { status: 404, message: `pod "${pod}" not found on this node` };
      const directory = join(podsDirectory, record.uid);
      const last = lastAttempt({ directory }, container);
      const attempt = last === undefined ? undefined : previous ? last - 1 : last;
      const where = `container "${container}" in pod "${pod}"`;
      if (attempt === undefined) return { status: 400, message: `${where} is waiting to start: ContainerCreating` };
      const records = recordsOf({ directory }, container, attempt);
      const file = join(records, "log");
      if (!existsSync(file)) return { status: 404, message: `previous terminated ${where} not found` };
      return { file, times: timesOf(file), ended: () => existsSync(join(records, "exit")) || !existsSync(records) };
    },
    running: (namespace, pod, container) => findWorker(namespace, pod)?.worker.running(container),
    addressOf(namespace, pod, port) {
      const record = find(namespace, pod);
      if (!record) return undefined;
      if (record.userPort?.declared === port) return { host: "127.0.0.1", port: record.userPort.actual };
      return locate({ host: record.address, port });
    },
  };
}
