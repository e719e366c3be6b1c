import { join } from "node:path";
import type { Client } from "../../kube/api.ts";
import { nearbyBackoff } from "../../kube/backoff.ts";
import { createClient } from "../../kube/client.ts";
import { createInformers } from "../../kube/informer.ts";
import { loadKubeconfig } from "../../kube/kubeconfig.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import { type LoopbackMode, locateIn, loopbackVariable } from "../shared-loopback.ts";
import { type Child, startChild } from "./child.ts";
import { applyIfChanged, controlPlaneObjects, controlPlaneReady } from "./control-plane.ts";
import {
  type DataDirectory,
  explainFullDisk,
  openDataDirectory,
  runningSupervisor,
  startTimeOf,
} from "./data-directory.ts";
import { forgetReadiness } from "./forget-readiness.ts";
import type { ClusterParts, Part } from "./parts.ts";
import { choosePorts, hasManyLoopbackAddresses } from "./ports.ts";

/** A cluster of this directory runs already. */
export class AlreadyRunningError extends Error {}

/** What the supervisor is made of; main says where the programs are and brings the registry and the gateway along. */
export interface ClusterOptions {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly httpsPort: number | undefined;
  /** How the programs are started. */
  readonly commands: { readonly apiserver: Command; readonly nodeAgent: Command };
  readonly manifestDirectory: string;
  /** How pods are addressed; found out by trying unless told. */
  readonly loopback: LoopbackMode | undefined;
  /** The environment of the programs, beside what the cluster sets. */
  readonly env: Readonly<Record<string, string>>;
  readonly parts: ClusterParts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly progress: (step: string) => void;
  /** Aborted when the start is to be given up: what has begun is then undone, and startCluster rejects with its reason. */
  readonly signal: AbortSignal;
}

type Command = readonly [string, ...string[]];

export interface Cluster {
  readonly client: Client;
  readonly kubeconfig: string;
  readonly httpPort: number;
  readonly registryPort: number;
  /** The processes that belong to the supervisor; the containers' are below the node agent's. */
  readonly children: readonly Child[];
  stop(progress: (step: string) => void): Promise<void>;
}

const startTimeoutMs = 60_000;
const stopGraceMs = 15_000;

/** Brings a cluster up: API server, registry, node agent, gateway, and the control plane in it. Undoes all on failure. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { clock, log, progress, signal } = options;
  const directory = openDataDirectory(options.dataDir);
  requireStopped(directory);
  const loopback = options.loopback ?? ((await hasManyLoopbackAddresses()) ? "own" : "shared");
  const before = directory.readState();
  const { httpPort, apiPort, registryPort: wantedRegistryPort } = await choosePorts(options, before);
  const startTime = startTimeOf(process.pid);
  const chosen = {
    pid: process.pid,
    ...(startTime !== undefined && { startTime }),
    gatewayPort: httpPort,
    apiPort,
    registryPort: wantedRegistryPort,
    ...(before?.applied !== undefined && { applied: before.applied }),
  };
  directory.writeState(chosen);

  const stopped = new AbortController();
  const parts: Part[] = [];
  const children: Child[] = [];
  const logFile = (name: string) => join(directory.part("logs"), `${name}.log`);
  const startProgram = (name: string, command: Command, onMessage: (message: unknown) => void = () => {}) => {
    const env = {
      ...options.env,
      HAKN_DATA_DIR: directory.path,
      [loopbackVariable]: loopback,
      HAKN_API_PORT: String(apiPort),
      KUBECONFIG: directory.kubeconfig,
    };
    children.push(startChild({ name, command, env, logFile: logFile(name), onMessage }, clock, log));
  };
  const startPart = async <P extends Part>(starting: Promise<P>): Promise<P> => {
    const part = await starting;
    parts.push(part);
    // It may have been given up while this one was still starting.
    if (stopped.signal.aborted) await part.close();
    return part;
  };
  const stop = async (step: (text: string) => void) => {
    step("stopping the containers");
    const [api, ...others] = children;
    for (const child of others) await child.stop(stopGraceMs);
    stopped.abort();
    for (const part of parts.toReversed()) await part.close();
    await api?.stop(stopGraceMs);
    directory.clearRunning();
  };

  try {
    progress("starting the API server");
    const { promise: apiReady, resolve: onApiReady, reject: onApiRefused } = Promise.withResolvers<void>();
    apiReady.catch(() => {});
    startProgram("apiserver", options.commands.apiserver, (message) => {
      if (message === "ready") onApiReady();
      else onApiRefused(new Error(whyRefused(message, directory.path)));
    });
    const [{ images, port: registryPort }] = await Promise.all([
      startPart(options.parts.startRegistry(directory.part("registry"), wantedRegistryPort)),
      within(startTimeoutMs, apiReady, "the API server", logFile("apiserver"), clock, signal),
    ]);
    signal.throwIfAborted();
    const state = { ...chosen, registryPort };
    if (registryPort !== wantedRegistryPort) directory.writeState(state);

    const connection = await loadKubeconfig(directory.kubeconfig);
    const client = createClient({ connection, clock, userAgent: "hakn-supervisor" });
    const informers = createInformers({ client, clock, log, signal: stopped.signal, backoff: nearbyBackoff });
    parts.push({ close: async () => client.close() });

    await forgetReadiness(client);
    startProgram("node-agent", options.commands.nodeAgent);

    progress("applying the manifests");
    const gatewayPorts = { dataDir: directory.path, httpPort, httpsPort: options.httpsPort };
    const gatewayObjects = options.parts.gatewayObjects(gatewayPorts);
    const objects = controlPlaneObjects(options.manifestDirectory, images, gatewayObjects);
    await applyIfChanged(client, objects, directory, state);
    signal.throwIfAborted();

    progress("starting the gateway");
    const locate = locateIn(loopback);
    const gateway = startPart(
      options.parts.startGateway({ ...gatewayPorts, locate, informers, client, signal: stopped.signal }),
    );
    await within(startTimeoutMs, gateway, "the gateway", logFile("supervisor"), clock, signal);

    progress("waiting for the control plane");
    await controlPlaneReady(client, directory, clock, signal);
    return { client, kubeconfig: directory.kubeconfig, httpPort, registryPort, children, stop };
  } catch (error) {
    try {
      await stop(progress);
    } catch (alsoFailed) {
      log.error("what had begun could not be undone in full", { error: alsoFailed });
    }
    throw explainFullDisk(error, directory.path);
  }
}

/** What the API server told before it gave up. */
function whyRefused(message: unknown, dataDir: string): string {
  const { failed = "for an unknown reason" } = message as { failed?: string };
  return (
    `the API server cannot start in the data directory ${dataDir}: ${failed}. Mend that, ` +
    "have the cluster in another directory with --data-dir, or delete its state with `hakn down --purge`"
  );
}

function requireStopped(directory: DataDirectory): void {
  const running = runningSupervisor(directory);
  if (running === undefined) return;
  throw new AlreadyRunningError(
    `the cluster in ${directory.path} is running already (process ${running}): use it, stop it with \`hakn down\`, ` +
      "or start another with --data-dir and --http-port",
  );
}

async function within(
  timeoutMs: number,
  starting: Promise<unknown>,
  what: string,
  logFile: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const settled = new AbortController();
  const timeout = clock.sleep(timeoutMs, AbortSignal.any([settled.signal, signal])).then(() => {
    signal.throwIfAborted();
    throw new Error(`${what} did not start within ${timeoutMs / 1000} s: see ${logFile}`);
  });
  timeout.catch(() => {});
  try {
    await Promise.race([starting, timeout]);
  } finally {
    settled.abort();
  }
}
