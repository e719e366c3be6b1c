import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Actions, ClusterStatus } from "../cli/actions.ts";
import { UserError } from "../cli/errors.ts";
import { printLogs } from "../cli/pod-logs.ts";
import { rollOut } from "../cli/rollout.ts";
import { readServices } from "../cli/services.ts";
import { loopbackMode } from "../cluster/shared-loopback.ts";
import { findDataDirectory, openDataDirectory, runningSupervisor } from "../cluster/supervisor/data-directory.ts";
import { clusterProcesses } from "../cluster/supervisor/processes.ts";
import { purgeCluster, stopCluster } from "../cluster/supervisor/stop.ts";
import { startCluster } from "../cluster/supervisor/supervisor.ts";
import type { Client } from "../kube/api.ts";
import { createClient } from "../kube/client.ts";
import { loadKubeconfig } from "../kube/kubeconfig.ts";
import { createTransport } from "../kube/transport.ts";
import { systemClock } from "../lib/clock.ts";
import { createLogger, logFile } from "../lib/log.ts";
import { clusterParts, imageOfDirectory, serviceNameOf } from "./cluster-parts.ts";
import { packageRoot } from "./package.ts";
import { busyNode, quietNode } from "./runtime.ts";
import { simulateFile } from "./simulate.ts";

const clock = systemClock;

/** The doing behind the command line, put together from the cluster's rooms. */
export function createActions(version: string): Actions {
  return {
    defaultDataDir: () => process.env["HAKN_HOME"] || join(homedir(), ".hakn"),
    pause: (ms, signal) => clock.sleep(ms, signal),
    fail() {
      process.exitCode = 1;
    },
    interrupted,

    async up(options, progress, signal) {
      const dataDir = resolve(options.dataDir);
      openDataDirectory(dataDir);
      const log = createLogger("supervisor", "info", logFile(join(dataDir, "logs", "supervisor.log")));
      const cluster = await startCluster({
        dataDir,
        httpPort: options.httpPort,
        httpsPort: options.httpsPort,
        commands: {
          apiserver: [...busyNode, join(packageRoot, "dist/libexec/apiserver")],
          nodeAgent: [...quietNode, join(packageRoot, "dist/libexec/node-agent")],
        },
        manifestDirectory: join(packageRoot, "manifests"),
        loopback: loopbackMode(process.env),
        env: environment(),
        parts: clusterParts(join(packageRoot, "dist/bin"), version, clock, log),
        clock,
        log,
        progress: (step) => progress.step(step),
        signal,
      });
      const gatewayUrl = `http://localhost:${cluster.httpPort}`;
      const restarts = () => new Map(cluster.children.map((child) => [child.pid(), child.restarts()]));
      return {
        kubeconfig: cluster.kubeconfig,
        gatewayUrl,
        registry: `localhost:${cluster.registryPort}`,
        version,
        status: () => statusOf(dataDir, process.pid, cluster.client, gatewayUrl, cluster.kubeconfig, restarts()),
        stop: (stopProgress) => cluster.stop((step) => stopProgress.step(step)),
      };
    },

    async down({ dataDir, purge }, progress) {
      progress.step("stopping the cluster");
      const stopped = await stopCluster(resolve(dataDir), clock);
      if (purge) purgeCluster(resolve(dataDir));
      return stopped;
    },

    async status({ dataDir }) {
      const path = resolve(dataDir);
      const running = findRunning(path);
      if (!running) return { running: false, dataDir: path, processes: [], services: [] };
      const { pid, gatewayUrl, kubeconfig } = running;
      const client = createClient({ connection: await loadKubeconfig(kubeconfig), clock, userAgent: "hakn" });
      try {
        return await statusOf(path, pid, client, gatewayUrl, kubeconfig, new Map());
      } finally {
        client.close();
      }
    },

    async deploy(options, progress, signal) {
      const running = requireRunning(resolve(options.dataDir));
      const name = options.name ?? serviceNameOf(resolve(options.directory));
      progress.step(`packing ${options.directory}`);
      const image = await imageOfDirectory(resolve(options.directory), name, running.registry);
      if (options.imageOnly) return { name, namespace: options.namespace, image, url: "", revision: "", ready: false };
      const client = createClient({ connection: await loadKubeconfig(running.kubeconfig), clock, userAgent: "hakn" });
      try {
        return await rollOut(client, image, name, options, running.gatewayUrl, clock, progress, signal);
      } finally {
        client.close();
      }
    },

    async logs(options, print) {
      const running = requireRunning(resolve(options.dataDir));
      const connection = await loadKubeconfig(running.kubeconfig);
      const client = createClient({ connection, clock, userAgent: "hakn" });
      const transport = createTransport({ connection, clock, timeoutMs: 30_000, userAgent: "hakn" });
      const stop = options.follow ? interrupted() : new AbortController().signal;
      try {
        await printLogs(client, transport, options, print, stop);
      } finally {
        client.close();
        transport.close();
      }
    },

    simulate: simulateFile,

    kubeconfigPath: async ({ dataDir }) => requireRunning(resolve(dataDir)).kubeconfig,
  };
}

/** Each signal is taken once: by itself the system ends a program that gets it again. */
function interrupted(): AbortSignal {
  const asked = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => asked.abort(new UserError(`stopped by ${signal}`)));
  }
  return asked.signal;
}

interface Running {
  readonly pid: number;
  readonly gatewayUrl: string;
  readonly kubeconfig: string;
  readonly registry: string;
}

function findRunning(dataDir: string): Running | undefined {
  const directory = findDataDirectory(dataDir);
  const pid = runningSupervisor(directory);
  const state = directory.readState();
  if (pid === undefined || !state) return undefined;
  return {
    pid,
    gatewayUrl: `http://localhost:${state.gatewayPort}`,
    kubeconfig: directory.kubeconfig,
    registry: `localhost:${state.registryPort}`,
  };
}

function requireRunning(dataDir: string): Running {
  const running = findRunning(dataDir);
  if (!running) throw new UserError(`no cluster is running in ${dataDir}: start one with \`hakn up\``);
  return running;
}

async function statusOf(
  dataDir: string,
  pid: number,
  client: Client,
  gatewayUrl: string,
  kubeconfig: string,
  restarts: ReadonlyMap<number | undefined, number>,
): Promise<ClusterStatus> {
  const state = {
    running: true,
    dataDir,
    gatewayUrl,
    kubeconfig,
    processes: clusterProcesses(dataDir, pid).map((known) => ({ ...known, restarts: restarts.get(known.pid) ?? 0 })),
  };
  try {
    return { ...state, services: await readServices(client, gatewayUrl) };
  } catch (error) {
    // It may be starting again: the supervisor sees to that, and the rest of the state is of use meanwhile.
    const log = join(dataDir, "logs", "apiserver.log");
    const problem = `the services cannot be read: ${(error as Error).message}; the API server's log is ${log}`;
    return { ...state, services: [], problem };
  }
}

/** Programs get a plain environment: where to find other programs, a home, a language. */
function environment(): Record<string, string> {
  const passed = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER"];
  return Object.fromEntries(passed.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
