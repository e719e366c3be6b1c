import { Lease } from "../../src/apis/core/lease.ts";
import { Node } from "../../src/apis/core/node.ts";
import { Pod } from "../../src/apis/core/pod.ts";
import { makeNode } from "../../src/cluster/node/node-object.ts";
import type { Client, Informers } from "../../src/kube/api.ts";
import { ApiError, isAlreadyExists } from "../../src/kube/errors.ts";
import { isoTime } from "../../src/lib/iso-time.ts";

const nodeName = "bench-node";
/** From when a pod is seen until it is Ready, and from its deletion until it is gone. */
const delayMs = 20;
const heartbeatMs = 10_000;

/**
 * A node whose pods run nothing: each is Ready a moment after it is seen. `addressOf` gives the address of the nth pod.
 * Where the cluster has a scheduler, pods are seen once they are bound; else the node binds them.
 */
export async function startKubelet(
  client: Client,
  informers: Informers,
  addressOf: (index: number) => string,
  hasScheduler: boolean,
  signal: AbortSignal,
): Promise<void> {
  const node = makeNode({ name: nodeName, address: addressOf(0), port: 10250, version: "v1.34.0" }, Date.now());
  const resources = { cpu: "10000", memory: "10000Gi", "ephemeral-storage": "10000Gi", pods: "100000" };
  const status = { ...node.status, capacity: resources, allocatable: resources };
  const created = await client
    .of(Node)
    .create(node)
    .catch(existing(() => client.of(Node).get({ name: nodeName })));
  await client.of(Node).updateStatus({ ...created, status } as Node);
  const beat = async () => {
    const lease: Lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: Lease.kind,
      metadata: { name: nodeName, namespace: "kube-node-lease" },
      spec: { holderIdentity: nodeName, leaseDurationSeconds: 40, renewTime: microTime(Date.now()) },
    };
    await client.of(Lease).patch(lease.metadata, { type: "apply", body: lease, force: true });
  };
  await beat();
  const timer = setInterval(() => void beat().catch(unlessEnded(signal)), heartbeatMs);
  signal.addEventListener("abort", () => clearInterval(timer));

  const known = new Set<string>();
  let index = 0;
  informers.of(Pod).onChange(({ type, object }) => {
    const { uid = "" } = object.metadata;
    if (type === "deleted") return;
    if (object.metadata.deletionTimestamp) {
      if (!known.delete(uid)) return;
      setTimeout(() => void end(object).catch(unlessEnded(signal)), delayMs);
    } else if (!known.has(uid) && !object.status?.podIP && (object.spec.nodeName || !hasScheduler)) {
      known.add(uid);
      const address = addressOf(++index);
      setTimeout(() => void run(object, address).catch(unlessEnded(signal)), delayMs);
    }
  });

  const run = async (pod: Pod, address: string): Promise<void> => {
    const { name, namespace = "" } = pod.metadata;
    if (!pod.spec.nodeName) await bind(client, pod);
    const now = isoTime(Date.now());
    const conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => {
      return { type, status: "True", lastTransitionTime: now };
    });
    const containerStatuses = pod.spec.containers.map(({ name, image }) => {
      const state = { running: { startedAt: now } };
      return { name, image, imageID: image, ready: true, started: true, restartCount: 0, state };
    });
    const place = { podIP: address, podIPs: [{ ip: address }], hostIP: addressOf(0), startTime: now };
    const body = {
      metadata: { uid: pod.metadata.uid },
      status: { phase: "Running", ...place, conditions, containerStatuses },
    };
    await client.of(Pod).patch({ name, namespace }, { type: "merge", body }, { subresource: "status" });
  };

  const end = async ({ metadata: { name, namespace = "", uid = "" } }: Pod): Promise<void> => {
    await client.of(Pod).delete({ name, namespace }, { gracePeriodSeconds: 0, preconditions: { uid } });
  };
}

async function bind(client: Client, pod: Pod): Promise<void> {
  const { name, namespace = "" } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/binding`;
  const body = { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: nodeName } };
  await client.raw("POST", path, body);
}

function existing<T>(get: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    if (!isAlreadyExists(error)) throw error;
    return get();
  };
}

/** Pods may be gone before they were run; anything else that fails is told. */
function unlessEnded(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted && !(error instanceof ApiError && (error.code === 404 || error.code === 409)))
      console.error(error);
  };
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
