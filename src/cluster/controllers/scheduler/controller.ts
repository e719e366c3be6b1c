import { Node } from "../../../apis/core/node.ts";
import { Pod } from "../../../apis/core/pod.ts";
import { keyOf, splitKey } from "../../../apis/meta.ts";
import type { Client, Lister } from "../../../kube/api.ts";
import { type Watch, watching } from "../../../kube/controller.ts";
import { isConflict, isNotFound } from "../../../kube/errors.ts";
import { createEventRecorder, type EventRecorders } from "../../../kube/events.ts";
import type { Clock } from "../../../lib/clock.ts";
import { isoTime } from "../../../lib/iso-time.ts";
import type { BuiltinContext } from "../context.ts";
import { type KeyedWorker, startKeyedWorker } from "../keyed-worker.ts";
import { hasEnded } from "../pods.ts";
import { misfitsOf, unschedulableMessage } from "./fit.ts";

interface SchedulerDeps {
  readonly client: Client;
  readonly pods: Lister<Pod>;
  readonly nodes: Lister<Node>;
  readonly events: EventRecorders;
  readonly clock: Clock;
  /** Nodes by pod uid that were chosen, but that the cache does not show yet: they take room from then on. */
  readonly assumed: Map<string, string>;
}

/** Gives every pod without a node a node that it fits; those that fit none wait for a change. */
export function startScheduler(context: BuiltinContext): KeyedWorker {
  const { client, informers, clock, log, signal } = context;
  const pods = informers.of(Pod);
  const nodes = informers.of(Node);
  const events = createEventRecorder({ client, component: "default-scheduler", clock, log, signal });
  const waiting = () => pods.list().filter(isWaiting).map(keyOf);
  const makesRoom: Watch = {
    subscribe: (enqueue) => {
      const retry = () => waiting().forEach(enqueue);
      const stops = [
        nodes.onChange(({ type }) => type !== "deleted" && retry()),
        pods.onChange(({ type, object }) => {
          if (type === "deleted" || hasEnded(object)) retry();
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
  const deps: SchedulerDeps = { client, pods, nodes, events, clock, assumed: new Map() };
  const watches = [watching(pods, (pod) => (isWaiting(pod) ? [keyOf(pod)] : [])), makesRoom];
  return startKeyedWorker(context, "default-scheduler", watches, (key) => schedule(key, deps, signal));
}

function isWaiting(pod: Pod): boolean {
  const ours = (pod.spec.schedulerName ?? "default-scheduler") === "default-scheduler";
  const gated = (pod.spec.schedulingGates ?? []).length > 0;
  return ours && !gated && !pod.spec.nodeName && !pod.metadata.deletionTimestamp && !hasEnded(pod);
}

/** Chooses without waiting for anything, so that two pods never count on the same room; then tells the API server. */
async function schedule(key: string, deps: SchedulerDeps, signal: AbortSignal): Promise<void> {
  const pod = deps.pods.get(splitKey(key));
  if (!pod || !isWaiting(pod)) return;
  const nodes = deps.nodes.list();
  const pods = withAssumed(deps);
  if (deps.assumed.has(pod.metadata.uid ?? "")) return;
  const misfits = nodes.map((node) => misfitsOf(pod, node, pods));
  const chosen = nodes[misfits.findIndex((reasons) => reasons.length === 0)];
  if (chosen) await bind(pod, chosen.metadata.name, deps, signal);
  else await markUnschedulable(pod, unschedulableMessage(misfits), deps, signal);
}

/** All pods, with the bindings that are too fresh for the cache. */
function withAssumed({ pods, assumed }: SchedulerDeps): readonly Pod[] {
  const present = pods.list();
  const unbound = new Set(present.filter(({ spec }) => !spec.nodeName).map(({ metadata }) => metadata.uid ?? ""));
  for (const uid of assumed.keys()) if (!unbound.has(uid)) assumed.delete(uid);
  if (assumed.size === 0) return present;
  return present.map((pod) => {
    const nodeName = assumed.get(pod.metadata.uid ?? "");
    return nodeName ? { ...pod, spec: { ...pod.spec, nodeName } } : pod;
  });
}

async function bind(pod: Pod, nodeName: string, deps: SchedulerDeps, signal: AbortSignal): Promise<void> {
  const { name, namespace = "", uid = "" } = pod.metadata;
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name, namespace, uid },
    target: { apiVersion: "v1", kind: "Node", name: nodeName },
  };
  deps.assumed.set(uid, nodeName);
  try {
    await deps.client.raw("POST", `/api/v1/namespaces/${namespace}/pods/${name}/binding`, binding, signal);
    deps.events.of(pod).normal("Scheduled", `Successfully assigned ${namespace}/${name} to ${nodeName}`);
  } catch (error) {
    // Gone, or bound by somebody else: the cache will show it, and the room counts as taken until then.
    if (isConflict(error) || isNotFound(error)) return;
    deps.assumed.delete(uid);
    throw error;
  }
}

async function markUnschedulable(pod: Pod, message: string, deps: SchedulerDeps, signal: AbortSignal): Promise<void> {
  const conditions = pod.status?.conditions ?? [];
  const present = conditions.find(({ type }) => type === "PodScheduled");
  if (present?.status === "False" && present.message === message) return;
  const now = isoTime(deps.clock.now());
  const failed = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message,
    lastTransitionTime: present?.status === "False" ? present.lastTransitionTime : now,
  };
  const others = conditions.filter(({ type }) => type !== "PodScheduled");
  const { name, namespace = "", resourceVersion } = pod.metadata;
  const body = { metadata: { resourceVersion }, status: { phase: "Pending", conditions: [...others, failed] } };
  const options = { subresource: "status", signal } as const;
  await deps.client.of(Pod).patch({ name, namespace }, { type: "merge", body }, options);
  deps.events.of(pod).warning("FailedScheduling", message);
}
