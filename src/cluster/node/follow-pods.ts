import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Pod } from "../../apis/core/pod.ts";
import { keyOf } from "../../apis/meta.ts";
import type { Informer, Informers } from "../../kube/api.ts";
import type { EventRecorders } from "../../kube/events.ts";
import { pause } from "../../lib/clock.ts";
import { untilAborted } from "../../lib/until-aborted.ts";
import type { Addresses } from "./addresses.ts";
import { killContainers } from "./container-process.ts";
import type { OpenLogs } from "./open-logs.ts";
import type { NodeContext } from "./pod-context.ts";
import { makePodRecord, type PodRecord, readPodRecords } from "./pod-record.ts";
import { type PodWorker, startPodWorker } from "./pod-worker.ts";

/** The pods that run, by uid. */
export type Workers = Map<string, { readonly worker: PodWorker; readonly record: PodRecord }>;

interface FollowPodsConfig {
  /** Those that are bound to the node. */
  readonly pods: Informer<Pod>;
  readonly synced: Informers["synced"];
  /** Kept up to date. */
  readonly workers: Workers;
  readonly node: NodeContext;
  readonly addresses: Addresses;
  readonly events: EventRecorders;
  readonly logs: OpenLogs;
  /** From then on no pod is begun. */
  readonly signal: AbortSignal;
}

const beginRetryMs = 5000;

/**
 * Gives every pod of the node a worker, and tells it what becomes of the pod. Containers of an earlier agent are taken
 * over; those of pods that are gone are ended. Resolves once that is done and pods are followed.
 */
export function followPods({
  pods,
  synced,
  workers,
  node,
  addresses,
  events,
  logs,
  signal,
}: FollowPodsConfig): Promise<void> {
  const takenPorts = new Set<number>();
  const known = new Map<string, PodRecord>();
  for (const record of readPodRecords(node.podsDirectory)) {
    // One that is not ours is of a time when the cluster had another network: the pod gets a new one.
    if (!("address" in record) || !addresses.owns(record.address)) continue;
    known.set(record.uid, record);
    addresses.reserve(record.address);
    if (record.userPort) takenPorts.add(record.userPort.actual);
  }

  const release = (record: PodRecord) => {
    addresses.release(record.address);
    if (record.userPort) takenPorts.delete(record.userPort.actual);
    logs.closeBelow(join(node.podsDirectory, record.uid));
  };
  const begin = async (pod: Pod): Promise<void> => {
    const { uid = "", name, namespace = "" } = pod.metadata;
    const directory = join(node.podsDirectory, uid);
    const record =
      known.get(uid) ?? (await makePodRecord({ uid, name, namespace }, pod.spec, directory, addresses, takenPorts));
    known.delete(uid);
    const latest = pods.get({ name, namespace });
    if (signal.aborted || latest?.metadata.uid !== uid) return release(record);
    const worker = startPodWorker(latest, record, node, events.of(pod));
    workers.set(uid, { worker, record });
    void worker.done.then(() => {
      workers.delete(uid);
      release(record);
    });
  };
  const beginUntilDone = async (pod: Pod): Promise<void> => {
    const { uid, name, namespace = "" } = pod.metadata;
    while (!signal.aborted && pods.get({ name, namespace })?.metadata.uid === uid) {
      try {
        return await begin(pod);
      } catch (error) {
        node.log.error("a pod cannot be run; it will be tried again", { pod: keyOf(pod), error });
        await pause(node.clock, beginRetryMs, signal);
      }
    }
  };
  const endStrays = (): void => {
    const alive = new Set(pods.list().map(({ metadata }) => metadata.uid));
    killContainers(`${node.mark}.`, (token) => !alive.has(podOfToken(token)));
    for (const record of readPodRecords(node.podsDirectory)) {
      if (alive.has(record.uid)) continue;
      rmSync(join(node.podsDirectory, record.uid), { recursive: true, force: true });
      const gone = known.get(record.uid);
      if (gone) release(gone);
      known.delete(record.uid);
    }
  };

  const starting = new Set<string>();
  const follow = async (): Promise<void> => {
    await Promise.race([synced(), untilAborted(signal)]).catch(() => {});
    if (signal.aborted) return;
    endStrays();
    pods.onChange(({ type, object }) => {
      const uid = object.metadata.uid ?? "";
      const running = workers.get(uid);
      if (type === "deleted") running?.worker.remove();
      else if (running) running.worker.update(object);
      else if (!starting.has(uid)) {
        starting.add(uid);
        void beginUntilDone(object).finally(() => starting.delete(uid));
      }
    });
  };
  return follow();
}

/** The uid of the pod that a container's token belongs to: "mark.uid.random". */
function podOfToken(token: string): string | undefined {
  return token.split(".")[1];
}
