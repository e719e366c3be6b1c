import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { root, type TestCluster } from "../../test/embedded/cluster.ts";
import { type Sent, startOpenLoad } from "./load.ts";
import { observe, type PodsSeen } from "./observe.ts";
import { endOf, loadOf, type Shape } from "./shapes.ts";

export const requestTimeMs = 200;
const containerConcurrency = 20;
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
  await deploy(cluster, service, settings);
  const observer = await observe(join(cluster.dataDir, "kubeconfig"), `${service}-00001`);
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

async function deploy({ hakn, apply, kubectl }: TestCluster, service: string, settings: Settings): Promise<void> {
  const image = (await hakn("deploy", join(root, "bench/autoscaling/app"), "--name", service, "--image-only")).trim();
  const annotations = Object.entries(settings).map(([name, value]) => [`autoscaling.knative.dev/${name}`, value]);
  await apply(
    JSON.stringify({
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name: service, namespace: "default" },
      spec: {
        template: {
          metadata: { annotations: Object.fromEntries(annotations) },
          spec: {
            containerConcurrency,
            containers: [{ image, env: [{ name: "REQUEST_TIME_MS", value: String(requestTimeMs) }] }],
          },
        },
      },
    }),
  );
  await kubectl("wait", `ksvc/${service}`, "--for=condition=Ready", "--timeout=60s");
}
