import { Pod } from "../../apis/core/pod.ts";
import type { Client } from "../../kube/api.ts";
import { backoffMs, serverBackoff } from "../../kube/backoff.ts";
import { ApiError, isConflict, isNotFound } from "../../kube/errors.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { type Clock, pause } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import type { PodStatus } from "./pod-status.ts";

/** Writes the status of one pod: always the latest, one request at a time, only when something changed. */
export interface StatusWriter {
  /** Asks for a write soon; several in one go make one request. */
  update(): void;
  /** Settles once the latest status is written, or cannot be because the pod is gone. */
  flushed(): Promise<void>;
}

/** `compute` gives the status as it is now. Failures are tried again until `signal` aborts. */
export function createStatusWriter(
  pod: { readonly name: string; readonly namespace: string; readonly uid: string },
  compute: () => PodStatus,
  context: { readonly client: Client; readonly clock: Clock; readonly log: Logger; readonly signal: AbortSignal },
): StatusWriter {
  const { client, clock, log, signal } = context;
  const { name, namespace, uid } = pod;
  let written: PodStatus | undefined;
  let wanted = false;
  let running: Promise<void> | undefined;

  const run = async () => {
    let failures = 0;
    // One turn later, so that changes made together are written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (wanted && !signal.aborted) {
      wanted = false;
      const status = compute();
      if (written && semanticEqual(written, status)) continue;
      // A merge patch leaves alone what it does not mention: what is gone has to be said.
      const cleared = Object.fromEntries(Object.keys(written ?? {}).map((field) => [field, null]));
      const body = { metadata: { uid }, status: { ...cleared, ...status } };
      try {
        await client.of(Pod).patch({ name, namespace }, { type: "merge", body }, { subresource: "status", signal });
        written = status;
        failures = 0;
      } catch (error) {
        if (signal.aborted || isNotFound(error) || isConflict(error)) return;
        failures += 1;
        const refused = error instanceof ApiError && error.code < 500;
        log[refused ? "error" : "debug"]("a pod's status could not be written", { pod: `${namespace}/${name}`, error });
        if (refused && failures > 3) return;
        wanted = true;
        await pause(clock, backoffMs(serverBackoff, failures), signal);
      }
    }
  };

  const start = () => {
    running ??= run().finally(() => {
      running = undefined;
    });
  };
  return {
    update() {
      wanted = true;
      start();
    },
    async flushed() {
      while (running) await running;
    },
  };
}
