import { arch, cpus, hostname, release, totalmem } from "node:os";
import { Lease } from "../../apis/core/lease.ts";
import { Node } from "../../apis/core/node.ts";
import type { Client } from "../../kube/api.ts";
import { isAlreadyExists, isNotFound } from "../../kube/errors.ts";
import { type Clock, pause } from "../../lib/clock.ts";
import { isoTime } from "../../lib/iso-time.ts";
import type { Logger } from "../../lib/log.ts";
import { startTicker } from "../../lib/ticker.ts";
import { untilAborted } from "../../lib/until-aborted.ts";
import { kubernetesVersion } from "../kubernetes-release.ts";

export interface NodeFacts {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly version: string;
}

/** What the machine has, as far as pods may ask for it. */
export function machineResources(): Record<string, string> {
  return {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    "ephemeral-storage": "100Gi",
    pods: "250",
  };
}

/** The Node that stands for this machine. */
export function makeNode({ name, address, port, version }: NodeFacts, nowMs: number): Node {
  const now = isoTime(nowMs);
  const architecture = arch() === "x64" ? "amd64" : arch();
  const resources = machineResources();
  const condition = (type: string, status: "True" | "False", reason: string, message: string) => {
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now };
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "node-role.kubernetes.io/control-plane": "",
      },
    },
    spec: {},
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
      ],
      addresses: [
        { type: "InternalIP", address },
        { type: "Hostname", address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      nodeInfo: {
        machineID: hostname(),
        systemUUID: hostname(),
        bootID: "",
        kernelVersion: release(),
        osImage: `${process.platform} (local processes)`,
        containerRuntimeVersion: `hakn://${version}`,
        kubeletVersion: kubernetesVersion,
        kubeProxyVersion: kubernetesVersion,
        operatingSystem: "linux",
        architecture,
      },
    },
  };
}

/** Registers the node as soon as the API server lets it, and says that it is alive. Settles once the signal has aborted. */
export async function keepNode(
  facts: NodeFacts,
  client: Client,
  clock: Clock,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const heartbeat = async (): Promise<void> => {
    try {
      await renewLease(facts.name, client, clock, signal);
    } catch (error) {
      if (!signal.aborted) log.debug("the node's lease could not be renewed", { error });
    }
  };
  const stopHeartbeat = startTicker(clock, leaseIntervalMs, heartbeat);
  for (
    let delayMs = 50, isRegistered = false;
    !isRegistered && !signal.aborted;
    delayMs = Math.min(delayMs * 2, 5000)
  ) {
    try {
      await registerNode(facts, client, clock, signal);
      isRegistered = true;
      await heartbeat();
    } catch (error) {
      if (signal.aborted) break;
      log.debug("the node could not be registered yet", { error });
      await pause(clock, delayMs, signal);
    }
  }
  await untilAborted(signal);
  stopHeartbeat();
}

/** Makes the Node, or brings its status up to date. */
async function registerNode(facts: NodeFacts, client: Client, clock: Clock, signal: AbortSignal): Promise<void> {
  const node = makeNode(facts, clock.now());
  const { labels } = node.metadata;
  await client
    .of(Node)
    .create(node, { signal })
    .catch((error) => {
      if (!isAlreadyExists(error)) throw error;
      return client.of(Node).patch({ name: facts.name }, { type: "merge", body: { metadata: { labels } } }, { signal });
    });
  const body = { status: node.status };
  await client.of(Node).patch({ name: facts.name }, { type: "merge", body }, { subresource: "status", signal });
}

const leaseIntervalMs = 10_000;
const leaseNamespace = "kube-node-lease";

/** Says by a Lease that the node is alive. */
async function renewLease(name: string, client: Client, clock: Clock, signal: AbortSignal): Promise<void> {
  const renewTime = new Date(clock.now()).toISOString().replace("Z", "000Z");
  const ref = { name, namespace: leaseNamespace };
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
  try {
    await client.of(Lease).patch(ref, { type: "merge", body: { spec } }, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: ref, spec };
    await client.of(Lease).create(lease, { signal });
  }
}
