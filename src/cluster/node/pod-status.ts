import type { ContainerStatus, Pod, PodCondition } from "../../apis/core/pod.ts";
import type { Container, PodSpec } from "../../apis/core/pod-spec.ts";
import type { StatusOf } from "../../kube/api.ts";
import { isoTime } from "../../lib/iso-time.ts";
import { parseQuantity } from "../../lib/quantity.ts";

export type PodStatus = StatusOf<Pod>;
export type Phase = NonNullable<PodStatus["phase"]>;

/** What the agent knows of a pod. */
export interface PodFacts {
  readonly init: readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
  readonly podIP: string | undefined;
  readonly hostIP: string;
  readonly startTime: string;
  /** The pod has failed as a whole, such as by its deadline. */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
}

/** The pod's status as the kubelet writes it. Conditions of others are kept. Source: k8s.io/kubernetes v1.34 kubelet. */
export function makePodStatus(pod: Pod, facts: PodFacts, nowMs: number): PodStatus {
  const phase = facts.failure ? "Failed" : phaseOf(pod.spec, facts);
  const { podIP, hostIP, init, containers } = facts;
  return {
    phase,
    conditions: conditionsOf(pod, facts, phase, nowMs),
    ...(facts.failure && { reason: facts.failure.reason, message: facts.failure.message }),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP && { podIP, podIPs: [{ ip: podIP }] }),
    startTime: facts.startTime,
    ...(init.length > 0 && { initContainerStatuses: [...init] }),
    containerStatuses: [...containers],
    qosClass: qosClassOf(pod.spec),
  };
}

const isSidecar = (spec: PodSpec, name: string) =>
  spec.initContainers?.some((container) => container.name === name && container.restartPolicy === "Always") ?? false;

/** Where the pod is in its life. Source: kubelet getPhase. */
export function phaseOf(spec: PodSpec, { init, containers }: Pick<PodFacts, "init" | "containers">): Phase {
  for (const status of init) {
    if (isSidecar(spec, status.name)) {
      if (!status.started) return "Pending";
    } else if (status.state?.terminated) {
      if (status.state.terminated.exitCode === 0) continue;
      return spec.restartPolicy === "Never" ? "Failed" : "Pending";
    } else return "Pending";
  }
  const ended = containers.map(
    ({ state, lastState }) => state?.terminated ?? (state?.waiting && lastState?.terminated),
  );
  const running = containers.filter(({ state }) => state?.running).length;
  if (containers.some((status, index) => !status.state?.running && !ended[index])) return "Pending";
  if (running > 0) return "Running";
  const policy = spec.restartPolicy ?? "Always";
  if (policy === "Always") return "Running";
  if (ended.every((terminated) => terminated?.exitCode === 0)) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}

function conditionsOf(pod: Pod, facts: PodFacts, phase: Phase, nowMs: number): PodCondition[] {
  const now = isoTime(nowMs);
  const before = pod.status?.conditions ?? [];
  const condition = (type: string, ok: boolean, reason?: string, message?: string): PodCondition => {
    const status = ok ? "True" : "False";
    const earlier = before.find((other) => other.type === type);
    const since = earlier?.status === status ? (earlier.lastTransitionTime ?? now) : now;
    return { type, status, lastTransitionTime: since, ...(reason && { reason }), ...(message && { message }) };
  };
  const done = phase === "Succeeded";
  const incomplete = facts.init
    .filter((status) => (isSidecar(pod.spec, status.name) ? !status.started : status.state?.terminated?.exitCode !== 0))
    .map(({ name }) => name);
  const unready = facts.containers.filter(({ ready }) => !ready).map(({ name }) => name);
  const ended = done ? "PodCompleted" : phase === "Failed" ? "PodFailed" : undefined;
  const unreadyText = `containers with unready status: [${unready.join(" ")}]`;
  const ready = ended === undefined && unready.length === 0;
  const missingGates = (pod.spec.readinessGates ?? [])
    .map(({ conditionType }) => conditionType)
    .filter((type) => before.find((other) => other.type === type)?.status !== "True");
  const gatesText = missingGates.map((type) => `the status of pod readiness gate "${type}" is not "True"`).join(", ");
  const notReady = ready ? undefined : (ended ?? "ContainersNotReady");
  const ours = [
    condition("PodReadyToStartContainers", facts.podIP !== undefined && !ended),
    incomplete.length === 0 || done
      ? condition("Initialized", true, done ? "PodCompleted" : undefined)
      : condition(
          "Initialized",
          false,
          "ContainersNotInitialized",
          `containers with incomplete status: [${incomplete.join(" ")}]`,
        ),
    ready && missingGates.length > 0
      ? condition("Ready", false, "ReadinessGatesNotReady", gatesText)
      : condition("Ready", ready, notReady, notReady === "ContainersNotReady" ? unreadyText : undefined),
    condition("ContainersReady", ready, notReady, notReady === "ContainersNotReady" ? unreadyText : undefined),
    condition("PodScheduled", true),
  ];
  const others = before.filter(({ type }) => !ours.some((own) => own.type === type));
  return [...ours, ...others];
}

/** Source: k8s.io/kubernetes v1.34 qos.ComputePodQOS. */
export function qosClassOf(spec: PodSpec): string {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const amounts = ({ resources }: Container, of: "requests" | "limits") =>
    Object.entries(resources?.[of] ?? {}).filter(
      ([name, amount]) => ["cpu", "memory"].includes(name) && parseQuantity(String(amount)).nano > 0n,
    );
  if (all.every((each) => amounts(each, "requests").length + amounts(each, "limits").length === 0)) return "BestEffort";
  const guaranteed = all.every((each) => {
    const limits = amounts(each, "limits");
    const requests = new Map(amounts(each, "requests"));
    const same = (name: string, amount: unknown) => {
      const requested = requests.get(name) ?? amount;
      return parseQuantity(String(requested)).nano === parseQuantity(String(amount)).nano;
    };
    return limits.length === 2 && limits.every(([name, amount]) => same(name, amount));
  });
  return guaranteed ? "Guaranteed" : "Burstable";
}
