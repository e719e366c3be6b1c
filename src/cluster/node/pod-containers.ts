import type { ContainerStatus } from "../../apis/core/pod.ts";
import { createContainerRunner } from "./container-runner.ts";
import type { RunningContainer } from "./exec-session.ts";
import type { PodContext } from "./pod-context.ts";

/** The containers of one pod. */
export interface PodContainers {
  statuses(): { readonly init: readonly ContainerStatus[]; readonly containers: readonly ContainerStatus[] };
  /** The container of this name, while it runs. */
  running(name: string): RunningContainer | undefined;
  /**
   * Runs them in their order, each init container to its end, to the end of the last; `stop` is called when only
   * sidecars are left.
   */
  run(stop: () => void): Promise<void>;
  /** Starts none, but stops what an earlier agent started. */
  stopOnly(): Promise<void>;
}

export function createPodContainers(context: PodContext): PodContainers {
  const { stopping } = context;
  const { spec } = context.pod();
  const waitingReason = spec.initContainers?.length ? "PodInitializing" : "ContainerCreating";
  const init = (spec.initContainers ?? []).map((container) => {
    const kind = container.restartPolicy === "Always" ? "sidecar" : "init";
    return { kind, runner: createContainerRunner(context, container, { kind, waitingReason }) } as const;
  });
  const main = spec.containers.map((container) =>
    createContainerRunner(context, container, { kind: "main", waitingReason }),
  );
  const all = [...init.map(({ runner }) => runner), ...main];
  return {
    running: (name) => all.find((runner) => runner.status().name === name)?.running(),
    statuses: () => ({
      init: init.map(({ runner }) => runner.status()),
      containers: main.map((runner) => runner.status()),
    }),
    async run(stop) {
      const sidecars: Promise<unknown>[] = [];
      let initialized = true;
      for (const { kind, runner } of init) {
        if (kind === "init") initialized = (await runner.run()) === 0;
        else {
          sidecars.push(runner.run());
          await runner.started;
        }
        if (!initialized || stopping.aborted) break;
      }
      if (initialized && !stopping.aborted) await Promise.all(main.map((runner) => runner.run()));
      // Sidecars end with the containers that they serve.
      if (!stopping.aborted && sidecars.length > 0) stop();
      await Promise.all(sidecars);
    },
    async stopOnly() {
      await Promise.all(all.map((runner) => runner.run()));
    },
  };
}
