import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import type { TestCluster } from "../../test/embedded/cluster.ts";
import { deploySteady } from "../../test/embedded/deploy-steady.ts";
import { observePods, type PodsSeen } from "../../test/embedded/observe-pods.ts";
import { type Sent, startOpenLoad } from "./load.ts";
import { endOf, loadOf, type Shape } from "./shapes.ts";

export const requestTimeMs = 200;
const patienceMs = 180_000;

/** The annotations of a revision, by their names without the group. */
export interface Settings {
  readonly "min-scale": string;
  readonly "max-scale": string;
  readonly target: string;
  readonly window: string;
  readonly [name: string]: string;
}

/** What happened to one Service under one load. */
export interface Run {
  readonly settings: Settings;
  readonly shape: Shape;
  readonly sent: readonly Sent[];
  readonly pods: readonly PodsSeen[];
  /** performance.now() at the beginning of the load. */
  readonly begunAt: number;
  /** From the load's end until only min-scale pods were asked for and ready; undefined when that did not come. */
  readonly backAfterMs: number | undefined;
}

/** Deploys a Service with the settings, waits for its pods, and runs the loads on it, one after the other. */
export async function* runLoads(
  cluster: TestCluster,
  service: string,
  settings: Settings,
  shapes: readonly (readonly [name: string, shape: Shape])[],
): AsyncGenerator<readonly [name: string, run: Run]> {
  if (shapes.length === 0) return;
  await deploySteady(cluster, service, requestTimeMs, settings);
  const observer = await observePods(join(cluster.dataDir, "kubeconfig"), `${service}-00001`);
  try {
    const minScale = Number(settings["min-scale"]);
    const isAtRest = ({ asked, ready }: PodsSeen) => asked === minScale && ready === minScale;
    for (const [name, shape] of shapes) {
      await observer.until(isAtRest, patienceMs);
      const from = observer.changes.length - 1;
      const begunAt = performance.now();
      const rate = (atMs: number) => (loadOf(shape, atMs / 1000) * 1000) / requestTimeMs;
      const load = startOpenLoad({ port: cluster.gatewayPort, host: `${service}.default.localhost`, rate });
      await systemClock.sleep(endOf(shape) * 1000);
      const endedAt = performance.now();
      const isBack = await observer.until(isAtRest, patienceMs);
      const backAfterMs = isBack ? performance.now() - endedAt : undefined;
      await systemClock.sleep(2000);
      await load.stop();
      yield [name, { settings, shape, sent: load.sent, pods: observer.changes.slice(from), begunAt, backAfterMs }];
    }
  } finally {
    await observer.stop();
  }
}
