import { rmSync } from "node:fs";
import { join } from "node:path";
import { Pod } from "../../apis/core/pod.ts";
import type { EventRecorder } from "../../kube/api.ts";
import { backoffMs, serverBackoff } from "../../kube/backoff.ts";
import { isConflict, isNotFound } from "../../kube/errors.ts";
import { pause } from "../../lib/clock.ts";
import { isoTime } from "../../lib/iso-time.ts";
import { untilAborted } from "../../lib/until-aborted.ts";
import type { RunningContainer } from "./exec-session.ts";
import { createPodContainers } from "./pod-containers.ts";
import type { NodeContext, PodContext } from "./pod-context.ts";
import type { PodRecord } from "./pod-record.ts";
import { makePodStatus, phaseOf } from "./pod-status.ts";
import { refreshVolumes, setUpVolumes } from "./pod-volumes.ts";
import { createStatusWriter } from "./status-writer.ts";
import { withUserPort } from "./user-port.ts";
import type { VolumePaths } from "./volumes/mount.ts";

/** Runs one pod from its first container's start to its last one's end. */
export interface PodWorker {
  /** The pod has changed in the API. */
  update(pod: Pod): void;
  /** The container of this name, while it runs. */
  running(container: string): RunningContainer | undefined;
  /** The pod is gone from the API: its containers are killed. */
  remove(): void;
  /** The cluster stops: containers end within `graceMs`; the pod's records stay for the next start. */
  halt(graceMs: number): void;
  /** Settles once no process of the pod is left. */
  readonly done: Promise<void>;
}

/** Starts to run a pod that was given `record`, or goes on with what an earlier agent began. */
export function startPodWorker(first: Pod, record: PodRecord, node: NodeContext, events: EventRecorder): PodWorker {
  const { clock, client } = node;
  const { uid, name, namespace } = record;
  const directory = join(node.podsDirectory, uid);
  const stopping = new AbortController();
  const killing = new AbortController();
  /** Nothing more is to be told to the API. */
  const settled = new AbortController();
  const deleted = new AbortController();
  const startTime = first.status?.startTime ?? isoTime(clock.now());
  let pod = withUserPort(first, record.userPort);
  let volumes: VolumePaths = new Map();
  let graceMs = (first.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  let failure: { reason: string; message: string } | undefined;
  let kept = false;

  const context: PodContext = {
    node,
    pod: () => pod,
    directory,
    place: { podIP: record.address, hostIP: node.hostIP, allocatable: node.allocatable },
    userPort: record.userPort,
    volumes: () => volumes,
    events,
    knownStatus: (container) =>
      [...(first.status?.containerStatuses ?? []), ...(first.status?.initContainerStatuses ?? [])].find(
        (status) => status.name === container,
      ),
    stopping: stopping.signal,
    killing: killing.signal,
    halting: () => kept,
    graceMs: () => graceMs,
    changed: () => writer.update(),
  };
  const containers = createPodContainers(context);
  const writer = createStatusWriter(
    { name, namespace, uid },
    () => {
      const facts = { ...containers.statuses(), podIP: record.address, hostIP: node.hostIP, startTime, failure };
      return makePodStatus(pod, facts, clock.now());
    },
    { client, clock, log: node.log, signal: settled.signal },
  );

  const stop = (withinMs: number) => {
    graceMs = stopping.signal.aborted ? Math.min(graceMs, withinMs) : withinMs;
    if (withinMs === 0) killing.abort();
    stopping.abort();
  };
  const update = (changed: Pod) => {
    pod = withUserPort(changed, record.userPort);
    if (!changed.metadata.deletionTimestamp) return;
    stop((changed.metadata.deletionGracePeriodSeconds ?? 30) * 1000);
    deleted.abort();
  };

  const watchDeadline = async (until: AbortSignal) => {
    const seconds = pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return;
    const leftMs = Date.parse(startTime) + seconds * 1000 - clock.now();
    if (!(await pause(clock, Math.max(0, leftMs), until))) return;
    failure = {
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    };
    events.normal("DeadlineExceeded", failure.message);
    stop(graceMs);
    writer.update();
  };

  const runContainers = async (): Promise<void> => {
    const ended = new AbortController();
    const until = AbortSignal.any([ended.signal, stopping.signal]);
    void watchDeadline(until);
    volumes = (await setUpVolumes(context)) ?? volumes;
    if (stopping.signal.aborted) return containers.stopOnly();
    void refreshVolumes(context, until);
    await containers.run(() => stop(graceMs));
    ended.abort();
  };

  /** The last word on a pod that is being deleted: after it the object goes away. */
  const finish = async (): Promise<void> => {
    for (let failures = 1; !settled.signal.aborted; failures++) {
      try {
        await client.of(Pod).delete({ name, namespace }, { gracePeriodSeconds: 0, preconditions: { uid } });
        return;
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) return;
        await pause(clock, backoffMs(serverBackoff, failures), settled.signal);
      }
    }
  };

  const cleanUp = () => {
    node.tokens.forget(uid);
    rmSync(directory, { recursive: true, force: true });
  };

  const run = async (): Promise<void> => {
    if (pod.metadata.deletionTimestamp) update(first);
    const alreadyOver = first.status?.phase === "Succeeded" || first.status?.phase === "Failed";
    if (!alreadyOver) {
      writer.update();
      await runContainers();
      if (kept) return;
      writer.update();
      await writer.flushed();
    }
    const phase = failure ? "Failed" : phaseOf(pod.spec, containers.statuses());
    if (!pod.metadata.deletionTimestamp && (alreadyOver || phase === "Succeeded" || phase === "Failed")) {
      // It stays, with its logs, until somebody deletes it.
      await untilAborted(AbortSignal.any([deleted.signal, settled.signal]));
    }
    if (kept) return;
    if (pod.metadata.deletionTimestamp) await finish();
    cleanUp();
  };

  const done = run()
    .catch((error) => node.log.error("a pod's worker failed", { pod: `${namespace}/${name}`, error }))
    .finally(() => killing.abort());
  return {
    update,
    running: (container) => containers.running(container),
    remove() {
      settled.abort();
      stop(0);
    },
    halt(withinMs) {
      kept = true;
      settled.abort();
      stop(withinMs);
      void pause(clock, withinMs, killing.signal).then(() => killing.abort());
    },
    done,
  };
}
