import { Deployment } from "../../src/apis/core/deployment.ts";
import { revisionLabel } from "../../src/apis/serving/labels.ts";
import { countPods, podsOf, revisionPodsOf } from "../../src/autoscaler/pods.ts";
import { createClient } from "../../src/kube/client.ts";
import { createInformers } from "../../src/kube/informer.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";

/** The pods of a revision from a moment on. `atMs` is of performance.now(). */
export interface PodsSeen {
  readonly atMs: number;
  readonly asked: number;
  readonly ready: number;
}

export interface PodsObserver {
  /** Every change since the beginning, oldest first. */
  readonly changes: PodsSeen[];
  now(): PodsSeen;
  /** Settles once asked and ready are `pods`; false when that does not come in time. */
  until(pods: (seen: PodsSeen) => boolean, timeoutMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** Follows how many pods are asked of a revision's Deployment, and how many are ready, by watching both. */
export async function observePods(kubeconfig: string, revision: string): Promise<PodsObserver> {
  const client = createClient({
    connection: await loadKubeconfig(kubeconfig),
    clock: systemClock,
    userAgent: "hakn-test",
  });
  const stopped = new AbortController();
  const informers = createInformers({ client, clock: systemClock, log: silentLogger, signal: stopped.signal });
  const pods = revisionPodsOf(informers);
  const deployments = informers.of(Deployment, { labelSelector: `${revisionLabel}=${revision}` });
  await informers.synced();
  const now = (): PodsSeen => ({
    atMs: performance.now(),
    asked: deployments.list()[0]?.spec?.replicas ?? 0,
    ready: countPods(podsOf(pods, "default", revision)).ready,
  });
  const changes = [now()];
  const waiting = new Set<() => void>();
  const look = () => {
    const seen = now();
    const last = changes.at(-1)!;
    if (last.asked === seen.asked && last.ready === seen.ready) return;
    changes.push(seen);
    for (const wake of waiting) wake();
  };
  pods.onChange(look);
  deployments.onChange(look);
  return {
    changes,
    now,
    until: (wanted, timeoutMs) =>
      new Promise((resolve) => {
        const settle = (result: boolean) => {
          clearTimeout(timer);
          waiting.delete(check);
          resolve(result);
        };
        const check = () => wanted(now()) && settle(true);
        const timer = setTimeout(() => settle(false), timeoutMs);
        waiting.add(check);
        check();
      }),
    async stop() {
      stopped.abort();
      await informers.done();
      client.close();
    },
  };
}
