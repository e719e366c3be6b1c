import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Namespace } from "../../apis/core/namespace.ts";
import { isPodReady, Pod } from "../../apis/core/pod.ts";
import { StatefulSet } from "../../apis/core/statefulset.ts";
import { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from "../../apis/core/webhookconfiguration.ts";
import { makeCustomResourceDefinition } from "../../apis/crd.ts";
import type { Kind } from "../../apis/kind.ts";
import { istioKinds } from "../../apis/kinds.ts";
import type { KubeObject } from "../../apis/meta.ts";
import type { Client, Informers } from "../../kube/api.ts";
import { createClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/errors.ts";
import { createInformers } from "../../kube/informer.ts";
import { loadKubeconfig } from "../../kube/kubeconfig.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Locate } from "../../lib/locate.ts";
import type { Logger } from "../../lib/log.ts";
import { applyOverlay, type Images, inApplyOrder, readManifests, resolveImages } from "../manifests.ts";
import { type LoopbackMode, locateIn, loopbackVariable } from "../shared-loopback.ts";
import { applyObjects } from "./apply.ts";
import { type Child, type ChildSpec, startChild } from "./child.ts";
import {
  type ClusterState,
  type DataDirectory,
  explainFullDisk,
  openDataDirectory,
  runningSupervisor,
} from "./data-directory.ts";
import { forgetReadiness } from "./forget-readiness.ts";
import { freePort, hasManyLoopbackAddresses, requirePort } from "./ports.ts";

/** A cluster of this directory runs already. */
export class AlreadyRunningError extends Error {}

/** What the supervisor is made of; main says where the programs are and brings the registry and the gateway along. */
export interface ClusterOptions {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly httpsPort: number | undefined;
  readonly registryPort: number | undefined;
  readonly programs: { readonly apiserver: string; readonly nodeAgent: string };
  readonly manifestDirectory: string;
  /** The runtime that runs our programs. */
  readonly node: string;
  /** How pods are addressed; found out by trying unless told. */
  readonly loopback: LoopbackMode | undefined;
  /** The environment of the programs, beside what the cluster sets. */
  readonly env: Readonly<Record<string, string>>;
  readonly parts: ClusterParts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly progress: (step: string) => void;
}

/** A part that runs in the supervisor's own process, because it must go on while others are started again. */
export interface Part {
  close(): Promise<void>;
}

export interface ClusterParts {
  /** Starts the image registry and puts the images of our own programs into it. */
  startRegistry(directory: string, port: number): Promise<Part & { readonly images: Images }>;
  /** The objects that make the control plane find the gateway. */
  gatewayObjects(options: GatewayPorts): readonly KubeObject[];
  startGateway(options: GatewayOptions): Promise<Part>;
}

/** Where the gateway is reached from this machine; TLS is off without a port for it. */
export interface GatewayPorts {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly httpsPort: number | undefined;
}

export interface GatewayOptions extends GatewayPorts {
  /** Where pods are reached. */
  readonly locate: Locate;
  readonly informers: Informers;
  readonly client: Client;
  readonly signal: AbortSignal;
}

export interface Cluster {
  readonly client: Client;
  readonly kubeconfig: string;
  readonly httpPort: number;
  readonly registryPort: number;
  /** The processes that belong to the supervisor; the containers' are below the node agent's. */
  readonly children: readonly Child[];
  stop(progress: (step: string) => void): Promise<void>;
}

const address = "127.0.0.1";
const manager = "hakn-up";
/** Which template of its StatefulSet a pod was made from. */
const revisionLabel = "controller-revision-hash";
const controlPlane = { namespace: "knative-serving", name: "controlplane" };
const readyTimeoutMs = 60_000;
const stopGraceMs = 15_000;
const defaultRegistryPort = 5050;

/** Brings a cluster up: API server, registry, node agent, gateway, and the control plane in it. Undoes all on failure. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { clock, log, progress } = options;
  const directory = openDataDirectory(options.dataDir);
  const running = runningSupervisor(directory);
  if (running !== undefined) {
    throw new AlreadyRunningError(
      `the cluster in ${directory.path} is running already (process ${running}): use it, stop it with \`hakn down\`, ` +
        "or start another with --data-dir and --http-port",
    );
  }
  const loopback = options.loopback ?? ((await hasManyLoopbackAddresses()) ? "own" : "shared");
  const state = await choosePorts(options, directory);
  directory.writeState(state);

  const stopped = new AbortController();
  const parts: Part[] = [];
  const children: Child[] = [];

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
    const apiReady = deferred();
    const api = startChild(
      childSpec(options, directory, loopback, "apiserver", options.programs.apiserver, state, apiReady.settle),
      clock,
      log,
    );
    children.push(api);
    const [registry] = await Promise.all([
      options.parts.startRegistry(directory.part("registry"), state.registryPort).then((part) => {
        parts.push(part);
        return part;
      }),
      withTimeout(apiReady.promise, "the API server", join(directory.part("logs"), "apiserver.log"), clock),
    ]);

    const connection = await loadKubeconfig(directory.kubeconfig);
    const client = createClient({ connection, clock, userAgent: "hakn-supervisor" });
    const informers = createInformers({ client, clock, log, signal: stopped.signal });
    parts.push({ close: async () => client.close() });

    await forgetReadiness(client);
    children.push(
      startChild(
        childSpec(options, directory, loopback, "node-agent", options.programs.nodeAgent, state, () => {}),
        clock,
        log,
      ),
    );

    progress("applying the manifests");
    const gatewayPorts = { dataDir: directory.path, httpPort: state.gatewayPort, httpsPort: options.httpsPort };
    const objects = [
      ...istioKinds.map((kind) => makeCustomResourceDefinition(kind) as KubeObject),
      { apiVersion: "v1", kind: Namespace.kind, metadata: { name: "istio-system" } },
      ...applyOverlay(
        [...readManifests(join(options.manifestDirectory, "crds")), ...readManifests(options.manifestDirectory)],
        readManifests(join(options.manifestDirectory, "embedded")),
      ).map((object) => resolveImages(object, registry.images)),
      ...options.parts.gatewayObjects(gatewayPorts),
    ];
    await applyIfChanged(client, inApplyOrder(objects), directory, state);

    progress("starting the gateway");
    const locate = locateIn(loopback);
    const gateway = options.parts.startGateway({ ...gatewayPorts, locate, informers, client, signal: stopped.signal });
    await withTimeout(
      gateway.then((part) => void parts.push(part)),
      "the gateway",
      join(directory.part("logs"), "supervisor.log"),
      clock,
    );

    progress("waiting for the control plane");
    await controlPlaneReady(client, clock);
    return {
      client,
      kubeconfig: directory.kubeconfig,
      httpPort: state.gatewayPort,
      registryPort: state.registryPort,
      children,
      stop,
    };
  } catch (error) {
    try {
      await stop(progress);
    } catch (alsoFailed) {
      log.error("what had begun could not be undone in full", { error: alsoFailed });
    }
    throw explainFullDisk(error, directory.path);
  }
}

async function choosePorts(options: ClusterOptions, directory: DataDirectory): Promise<ClusterState> {
  const before = directory.readState();
  const httpPort = options.httpPort === 0 ? await freePort(address, before?.gatewayPort) : options.httpPort;
  await requirePort(address, httpPort, "the gateway", "--http-port");
  if (options.httpsPort !== undefined) {
    await requirePort(address, options.httpsPort, "the gateway's TLS", "--https-port");
  }
  return {
    pid: process.pid,
    gatewayPort: httpPort,
    apiPort: await freePort(address, before?.apiPort),
    registryPort: await freePort(address, options.registryPort ?? before?.registryPort ?? defaultRegistryPort),
    ...(before?.applied !== undefined && { applied: before.applied }),
  };
}

function childSpec(
  options: ClusterOptions,
  directory: DataDirectory,
  loopback: LoopbackMode,
  name: string,
  program: string,
  state: ClusterState,
  onReady: () => void,
): ChildSpec {
  return {
    name,
    command: [options.node, "--max-semi-space-size=1", program],
    env: {
      ...options.env,
      HAKN_DATA_DIR: directory.path,
      [loopbackVariable]: loopback,
      HAKN_API_PORT: String(state.apiPort),
      HAKN_REGISTRY: `${address}:${state.registryPort}`,
      KUBECONFIG: directory.kubeconfig,
    },
    logFile: join(directory.part("logs"), `${name}.log`),
    onMessage: (message) => {
      if (message === "ready") onReady();
    },
  };
}

/**
 * Applies the manifests unless the very same were applied before. What admission would refuse while the control plane
 * is down must not be in the way, so the webhook configurations are taken away first and come back last.
 */
async function applyIfChanged(
  client: Client,
  objects: readonly KubeObject[],
  directory: DataDirectory,
  state: ClusterState,
): Promise<void> {
  const applied = createHash("sha256").update(JSON.stringify(objects)).digest("hex");
  if (state.applied === applied) return;
  if (state.applied !== undefined) {
    for (const object of objects.filter(({ kind }) => kind.endsWith("WebhookConfiguration"))) {
      await removeWebhook(client, object);
    }
  }
  await applyObjects(client, objects, manager);
  directory.writeState({ ...state, applied });
}

async function removeWebhook(client: Client, { kind, metadata: { name } }: KubeObject): Promise<void> {
  const resource: Kind =
    kind === MutatingWebhookConfiguration.kind ? MutatingWebhookConfiguration : ValidatingWebhookConfiguration;
  try {
    await client.of(resource).delete({ name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Waits until every replica of the control plane is ready, which includes that it serves admission. */
async function controlPlaneReady(client: Client, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + readyTimeoutMs;
  const { namespace, name } = controlPlane;
  for (;;) {
    const set = await client.of(StatefulSet).get(controlPlane);
    const { items } = await client.of(Pod).list({ namespace, labelSelector: `app=${name}` });
    const { replicas = 1 } = set.spec;
    const current = items.filter(({ metadata }) => metadata.labels?.[revisionLabel] === set.status?.updateRevision);
    const ready = current.filter(isPodReady).length;
    if (ready >= replicas) return;
    if (clock.monotonic() > deadline) {
      throw new Error(
        `the control plane is not ready after ${readyTimeoutMs / 1000} s (${ready} of ${replicas} replicas of ` +
          `StatefulSet ${namespace}/${name}): \`kubectl describe pods -n ${namespace}\` says why`,
      );
    }
    await clock.sleep(50);
  }
}

function deferred(): { readonly promise: Promise<void>; readonly settle: () => void } {
  let settle: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}

async function withTimeout(promise: Promise<void>, what: string, logFile: string, clock: Clock): Promise<void> {
  const given = new AbortController();
  const timeout = clock.sleep(readyTimeoutMs, given.signal).then(() => {
    throw new Error(`${what} did not start within ${readyTimeoutMs / 1000} s: see ${logFile}`);
  });
  timeout.catch(() => {});
  try {
    await Promise.race([promise, timeout]);
  } finally {
    given.abort();
  }
}

/** Stops the cluster of a directory from another process; false when none was running. */
export async function stopCluster(dataDir: string, clock: Clock): Promise<boolean> {
  const directory = openDataDirectory(dataDir);
  const pid = runningSupervisor(directory);
  if (pid === undefined) return false;
  process.kill(pid, "SIGTERM");
  const deadline = clock.monotonic() + readyTimeoutMs;
  while (runningSupervisor(directory) !== undefined) {
    if (clock.monotonic() > deadline) throw new Error(`process ${pid} does not end: kill -9 ${pid} ends it by force`);
    await clock.sleep(50);
  }
  return true;
}

/** Deletes a stopped cluster's state for good. Refuses a directory that holds no cluster. */
export function purgeCluster(dataDir: string): void {
  if (openDataDirectory(dataDir).readState() === undefined) {
    throw new Error(`${dataDir} holds no cluster: nothing is deleted`);
  }
  rmSync(dataDir, { recursive: true, force: true });
}
