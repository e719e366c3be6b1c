import { rmSync } from "node:fs";
import { join } from "node:path";
import { Pod } from "../../apis/core/pod.ts";
import type { EventRecorder } from "../../kube/api.ts";
import { backoffMs } from "../../kube/backoff.ts";
import { isConflict, isNotFound } from "../../kube/errors.ts";
import { pause } from "../../lib/clock.ts";
import { isoTime } from "../../lib/iso-time.ts";
import { untilAborted } from "../../lib/until-aborted.ts";
import { type ContainerRunner, createContainerRunner, lastAttempt } from "./container-runner.ts";
import type { NodeContext, PodContext } from "./pod-context.ts";
import type { PodRecord } from "./pod-record.ts";
import { makePodStatus, phaseOf } from "./pod-status.ts";
import { createStatusWriter } from "./status-writer.ts";
import { withUserPort } from "./user-port.ts";
import { isMadeOfObjects, VolumeError } from "./volumes/content.ts";
import { makeVolumes, type VolumePaths } from "./volumes/mount.ts";

/** Runs one pod from its first container's start to its last one's end. */
export interface PodWorker {
  /** The pod has changed in the API. */
  update(pod: Pod): void;
  /** The pod is gone from the API: its containers are killed. */
  remove(): void;
  /** The cluster stops: containers end within `graceMs`; the pod's records stay for the next start. */
  halt(graceMs: number): void;
  /** Settles once no process of the pod is left. */
  readonly done: Promise<void>;
}

/** How often volumes made of objects are looked at anew. */
const volumeRefreshMs = 10_000;
const mountBackoff = { baseMs: 500, maxMs: 120_000 };

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
  const waitingReason = pod.spec.initContainers?.length ? "PodInitializing" : "ContainerCreating";
  const init = (pod.spec.initContainers ?? []).map((container) => {
    const kind = container.restartPolicy === "Always" ? "sidecar" : "init";
    return { kind, runner: createContainerRunner(context, container, { kind, waitingReason }) } as const;
  });
  const main = pod.spec.containers.map((container) =>
    createContainerRunner(context, container, { kind: "main", waitingReason }),
  );
  const statuses = () => ({
    init: init.map(({ runner }) => runner.status()),
    containers: main.map((runner) => runner.status()),
  });
  const writer = createStatusWriter(
    { name, namespace, uid },
    () => {
      const facts = { ...statuses(), podIP: record.address, hostIP: node.hostIP, startTime, failure };
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

  const setUpVolumes = async (): Promise<void> => {
    const names = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((container) => container.name);
    const begun = names.some((container) => lastAttempt(context, container) !== undefined);
    for (let failures = 1; !stopping.signal.aborted; failures++) {
      try {
        const sources = { client, place: context.place, tokens: node.tokens, signal: stopping.signal };
        volumes = await makeVolumes(pod, join(directory, "volumes"), node.claimsDirectory, sources);
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        const { message } = error as Error;
        events.warning("FailedMount", error instanceof VolumeError ? message : `MountVolume.SetUp failed: ${message}`);
        if (begun) {
          // Containers of an earlier agent have their volumes, and must not go unattended for want of new contents.
          volumes = new Map(
            (pod.spec.volumes ?? []).map((volume) => [volume.name, join(directory, "volumes", volume.name)]),
          );
          return;
        }
        await pause(clock, backoffMs(mountBackoff, failures), stopping.signal);
      }
    }
  };

  /** Brings volumes made of objects up to date for as long as the pod runs. */
  const refreshVolumes = async (until: AbortSignal) => {
    if (!(pod.spec.volumes ?? []).some(isMadeOfObjects)) return;
    while (await pause(clock, volumeRefreshMs, until)) {
      const sources = { client, place: context.place, tokens: node.tokens, signal: until };
      await makeVolumes(pod, join(directory, "volumes"), node.claimsDirectory, sources).catch((error) => {
        if (!until.aborted) events.warning("FailedMount", (error as Error).message);
      });
    }
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
    await setUpVolumes();
    if (stopping.signal.aborted) {
      // Nothing is started any more, but what an earlier agent started is to be stopped.
      await Promise.all([...init.map(({ runner }) => runner), ...main].map((runner) => runner.run()));
      return;
    }
    void refreshVolumes(until);
    const sidecars: Promise<unknown>[] = [];
    let initialized = true;
    for (const { kind, runner } of init) {
      if (kind === "init") initialized = (await runner.run()) === 0;
      else {
        sidecars.push(runner.run());
        await runner.started;
      }
      if (!initialized || stopping.signal.aborted) break;
    }
    if (initialized && !stopping.signal.aborted) await Promise.all(main.map((runner: ContainerRunner) => runner.run()));
    // Sidecars end with the containers that they serve.
    if (!stopping.signal.aborted && sidecars.length > 0) stop(graceMs);
    await Promise.all(sidecars);
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
        await pause(clock, backoffMs({ baseMs: 100, maxMs: 5000 }, failures), settled.signal);
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
    const phase = failure ? "Failed" : phaseOf(pod.spec, statuses());
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
