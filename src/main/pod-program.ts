import { Registry } from "prom-client";
import { locateIn, loopbackMode, ownAddress } from "../cluster/shared-loopback.ts";
import { logLevelOf } from "../config/logging.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import type { Client } from "../kube/api.ts";
import { createClient } from "../kube/client.ts";
import type { ControllerContext } from "../kube/controller.ts";
import { createEventBudget, createEventRecorder } from "../kube/events.ts";
import { createInformers } from "../kube/informer.ts";
import { inClusterConnection, loadKubeconfig } from "../kube/kubeconfig.ts";
import { createKubeMetrics } from "../kube/metrics.ts";
import { writeThrough } from "../kube/write-through.ts";
import { systemClock } from "../lib/clock.ts";
import type { Locate, SocketAddress } from "../lib/locate.ts";
import { createLogger, type Logger, type LogLevel } from "../lib/log.ts";
import { followServingConfig } from "./follow-config.ts";

/** What a program of the control plane finds in its pod. */
export interface PodProgram {
  readonly context: Omit<ControllerContext<ServingConfig>, "ownership">;
  /** The same without the caches' knowing of writes: leadership goes by what the API server tells. */
  readonly client: Client;
  readonly registry: Registry;
  readonly log: Logger;
  /** The namespace that the control plane lives in. */
  readonly namespace: string;
  readonly podName: string;
  /** Where to listen on a port of the pod; in the embedded cluster at the pod's own loopback address. */
  listenAt(port: number): SocketAddress;
  /** Where pods are reached. */
  readonly locate: Locate;
  readonly podIP: string;
  /** Aborts everything that `context.signal` covers. */
  stop(): void;
}

/** Connects to the API server of the pod's cluster (or of KUBECONFIG), and starts following the configuration. */
export async function startPodProgram(component: string): Promise<PodProgram> {
  const clock = systemClock;
  const log = createLogger(component).child({ "knative.dev/pod": process.env["POD_NAME"] ?? "" });
  const stopped = new AbortController();
  const registry = new Registry();
  const metrics = createKubeMetrics(registry, `${component.replaceAll("-", "_")}_`, clock);
  const client = createClient({
    connection: await connectionOf(process.env),
    clock,
    userAgent: component,
    onRequest: metrics.request,
  });
  const informers = createInformers({ client, clock, log, signal: stopped.signal });
  const namespace = process.env["SYSTEM_NAMESPACE"] || "knative-serving";
  const events = createEventRecorder({ client, component, clock, log, signal: stopped.signal });
  const config = followServingConfig({ informers, namespace, events, log });
  config.onChange(({ logging }) => log.setLevel(levelOf(logging, component)));
  await config.synced;
  log.setLevel(levelOf(config.current().logging, component));
  const loopback = loopbackMode(process.env);
  const locate = locateIn(loopback);
  const podIP = process.env["POD_IP"] || "127.0.0.1";
  const address = ownAddress(loopback, process.env["HAKN_BIND_ADDRESS"], podIP);
  return {
    context: {
      client: writeThrough(client, informers),
      informers,
      config,
      clock,
      log,
      signal: stopped.signal,
      metrics,
      eventBudget: createEventBudget(clock),
    },
    client,
    registry,
    log,
    namespace,
    podName: process.env["POD_NAME"] || component,
    podIP,
    locate,
    listenAt: (port) => locate({ host: address, port }),
    stop: () => stopped.abort(),
  };
}

/** Settles with the first signal that asks the program to end. A second one ends it at once. */
export function terminated(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve(signal);
      });
    }
  });
}

/** What zap calls dpanic, panic and fatal is an error to us. */
function levelOf(logging: ServingConfig["logging"], component: string): LogLevel {
  const level = logLevelOf(logging, component);
  return level === "debug" || level === "info" || level === "warn" ? level : "error";
}

async function connectionOf(environment: NodeJS.ProcessEnv) {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host) return inClusterConnection({ host, port: port || "443", root: environment["HAKN_ROOT"] ?? "" });
  if (environment["KUBECONFIG"]) return loadKubeconfig(environment["KUBECONFIG"]);
  throw new Error("no API server: run in a pod (KUBERNETES_SERVICE_HOST), or set KUBECONFIG");
}
