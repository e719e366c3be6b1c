import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Pod } from "../../apis/core/pod.ts";
import { Service } from "../../apis/core/service.ts";
import type { Client } from "../../kube/api.ts";
import { nearbyBackoff } from "../../kube/backoff.ts";
import { createEventRecorder } from "../../kube/events.ts";
import { createInformers } from "../../kube/informer.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import { startTicker } from "../../lib/ticker.ts";
import { untilAborted } from "../../lib/until-aborted.ts";
import { type LoopbackMode, locateIn } from "../shared-loopback.ts";
import { createAddresses } from "./addresses.ts";
import { claimNetwork } from "./claim-network.ts";
import { killContainers } from "./container-process.ts";
import { followPods, type Workers } from "./follow-pods.ts";
import { pruneImages } from "./image-pruning.ts";
import { createImagePuller } from "./images.ts";
import { keepNode, machineResources } from "./node-object.ts";
import { createNodePods } from "./node-pods.ts";
import { createOpenLogs } from "./open-logs.ts";
import type { NodeContext } from "./pod-context.ts";
import { createNodeServer } from "./server.ts";
import { shimScript } from "./shim.ts";
import { createTokenSource } from "./volumes/token.ts";

export interface NodeAgentConfig {
  readonly client: Client;
  /** Where the agent keeps its state. Two agents never share one. */
  readonly dataDir: string;
  readonly nodeName: string;
  readonly apiServer: { readonly host: string; readonly port: number };
  /** How pods are addressed: "shared" where the system has 127.0.0.1 alone. */
  readonly loopback: LoopbackMode;
  /**
   * A descriptor that ends when the supervisor does, and from which nobody else reads: every container holds it and
   * dies at its end. Without one, nothing ends containers when the supervisor is killed.
   */
  readonly lifeline: number | undefined;
  /** The runtime's executable: its directory comes first in the PATH of containers. */
  readonly runtime: string;
  /** The rest of that PATH. */
  readonly path: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Stops the agent and all containers: the cluster stops. */
  readonly signal: AbortSignal;
  /** How long containers have to end then; 3 s unless told. */
  readonly haltGraceMs?: number;
}

export interface NodeAgent {
  readonly address: string;
  readonly port: number;
  /** Settles once the agent has stopped and no container is left. */
  readonly done: Promise<void>;
}

const rotationIntervalMs = 10_000;
const pruningIntervalMs = 600_000;
const unusedImagesKept = 10;

/**
 * Runs the pods that are bound to this node as local processes. Containers of an earlier agent are taken over; those
 * of pods that are gone are ended. Resolves once the agent serves logs and has begun to watch pods.
 */
export async function startNodeAgent(config: NodeAgentConfig): Promise<NodeAgent> {
  const { client, clock, log, signal, nodeName } = config;
  const podsDirectory = join(config.dataDir, "pods");
  mkdirSync(podsDirectory, { recursive: true });
  const imagesDirectory = join(config.dataDir, "images");
  const shim = join(config.dataDir, "shim.sh");
  writeFileSync(shim, shimScript);
  const mark = `hakn-${createHash("sha256").update(config.dataDir).digest("hex").slice(0, 12)}`;

  const workers: Workers = new Map();
  const logs = createOpenLogs(() => clock.now());
  const stopped = new AbortController();
  const informers = createInformers({ client, clock, log, signal: stopped.signal, backoff: nearbyBackoff });
  const pods = informers.of(Pod, { fieldSelector: `spec.nodeName=${nodeName}` });
  const services = informers.of(Service);

  const server = createNodeServer(
    createNodePods(podsDirectory, workers, logs.timesOf, locateIn(config.loopback)),
    clock,
    log,
  );
  const network = await claimNetwork(server, config.dataDir, config.loopback);
  const addresses = createAddresses(network.prefix, config.loopback);
  const events = createEventRecorder({ client, component: "kubelet", clock, log, signal: stopped.signal });
  const node: NodeContext = {
    client,
    clock,
    log,
    images: createImagePuller(imagesDirectory),
    services,
    tokens: createTokenSource(client, clock),
    podsDirectory,
    claimsDirectory: join(config.dataDir, "claims"),
    shim,
    lifeline: config.lifeline,
    trackLog: logs.track,
    mark,
    path: config.path,
    runtimeDirectory: dirname(config.runtime),
    nodeName,
    hostIP: network.address,
    allocatable: machineResources(),
    apiServer: config.apiServer,
    loopback: config.loopback,
  };

  const following = followPods({
    pods,
    synced: informers.synced,
    workers,
    node,
    addresses,
    events,
    logs,
    signal: stopped.signal,
  });

  const facts = { name: nodeName, address: network.address, port: network.port, version: config.version };
  const keepingNode = keepNode(facts, client, clock, log, stopped.signal);
  const stopRotation = startTicker(clock, rotationIntervalMs, () => logs.rotate(log));
  const stopPruning = startTicker(clock, pruningIntervalMs, async () => {
    const statuses = pods
      .list()
      .flatMap(({ status }) => [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]);
    const inUse = new Set(statuses.map(({ imageID }) => imageID.slice(imageID.indexOf("@") + 1)));
    await pruneImages(imagesDirectory, inUse, unusedImagesKept).catch((error) => {
      log.warn("unused images could not be deleted", { error });
    });
  });

  const run = async (): Promise<void> => {
    await untilAborted(signal);
    stopped.abort();
    stopRotation();
    stopPruning();
    await Promise.all([following, keepingNode]);
    const graceMs = config.haltGraceMs ?? 3000;
    const ending = [...workers.values()].map(({ worker }) => {
      worker.halt(graceMs);
      return worker.done;
    });
    await Promise.all(ending);
    // Also what no worker knew of: pods whose start was cut short, containers of an earlier agent.
    killContainers(`${mark}.`, () => true);
    logs.closeBelow(podsDirectory);
    await Promise.all([informers.done(), events.done]);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  return { address: network.address, port: network.port, done: run() };
}
