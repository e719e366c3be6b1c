import { type HeaderList, names } from "./codec/headers.ts";

const kubeletPrefix = "kube-probe/";
const activatorPrefix = "Knative-Activator-Probe";
const autoscalingPrefix = "Knative-Autoscaling-Probe";

/** What a request is to the drainer. Source: knative.dev/pkg network/handlers/drain.go, serving sharedmain/handlers.go. */
export type RequestKind = "health" | "ingress-probe" | "ordinary";

/** Tells health checks and ingress probes from ordinary requests. */
export function requestKind(headers: HeaderList): RequestKind {
  const agent = headers.get(names.userAgent);
  if (agent?.startsWith("k") ? agent.startsWith(kubeletPrefix) : agent !== undefined && isKnativeProbeAgent(agent)) {
    return "health";
  }
  return headers.get(names.networkProbe) === "probe" ? "ingress-probe" : "ordinary";
}

function isKnativeProbeAgent(agent: string): boolean {
  return agent.startsWith(activatorPrefix) || agent.startsWith(autoscalingPrefix);
}

/** Whether the request comes from a kubelet: it passes the breaker and is not counted. Source: networking header.IsKubeletProbe. */
export function isKubeletProbe(headers: HeaderList): boolean {
  return headers.get(names.userAgent)?.startsWith(kubeletPrefix) === true || hasValue(headers, "kubeletProbe");
}

/** Whether the request is left out of request metrics and, by default, the log. Source: networking header.IsProbe. */
export function isProbe(headers: HeaderList): boolean {
  return isKubeletProbe(headers) || hasValue(headers, "networkProbe");
}

function hasValue(headers: HeaderList, name: "kubeletProbe" | "networkProbe"): boolean {
  return (headers.get(names[name]) ?? "") !== "";
}
