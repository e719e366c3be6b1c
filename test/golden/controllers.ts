import { Metric } from "../../src/apis/autoscaling/metric.ts";
import { decide, initialDeciderState } from "../../src/autoscaler/decide.ts";
import { createDecisionRing } from "../../src/autoscaler/explain/decision-ring.ts";
import { kpaClassReconciler } from "../../src/autoscaler/kpa/reconcile.ts";
import { createMetricCollector } from "../../src/autoscaler/metric/collector.ts";
import { reconcileMetric } from "../../src/autoscaler/metric/reconcile.ts";
import type { MultiScaler } from "../../src/autoscaler/multi-scaler.ts";
import { ingressReconciler } from "../../src/istio/reconcile.ts";
import type { ClusterAccess } from "../../src/kube/api.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { DigestState } from "../../src/reconcilers/revision/digest/resolver.ts";
import { revisionReconciler } from "../../src/reconcilers/revision/reconcile.ts";
import { revisionDeps } from "../../src/reconcilers/revision/revision-world.ts";

const installation = { systemNamespace: "knative-serving", metricsDomain: "chainguard.dev/hakn" };

/** The Ingress controller before gateways that serve whatever they are told. */
export const ingressBefore = {
  ...ingressReconciler,
  deps: (access: ClusterAccess) => ingressReconciler.deps(access, { isProven: () => true, forget: () => {} }),
};

/** The controller of Revisions; `digests` is what the registry said. */
export function revisionAfter(digests: DigestState) {
  return {
    ...revisionReconciler,
    deps: (access: ClusterAccess) => revisionDeps(access, digests, installation),
  };
}

/** The controller of PodAutoscalers of class kpa, where `readyPods` pods, seen for the first time, have no load. */
export function kpaClassWithout(readyPods: number) {
  const idle = { readyPods, stableValue: 0, panicValue: 0 };
  const advise: MultiScaler["advise"] = (_key, spec) => {
    const { decision } = decide(spec, initialDeciderState(spec, readyPods, 0), idle, 0);
    return { desiredScale: decision.desiredPods, excessBurstCapacity: decision.excessBurstCapacity };
  };
  const decisions = createDecisionRing();
  const multiScaler = { advise, decisions: () => decisions } as unknown as MultiScaler;
  return {
    ...kpaClassReconciler,
    deps: (access: ClusterAccess) => kpaClassReconciler.deps(access, { multiScaler, observe: () => {} }),
  };
}

/** The controller of Metrics, before pods that answer. */
export const metricAnswered = {
  kind: Metric,
  reconcile: reconcileMetric,
  deps: ({ clock }: { readonly clock: Clock }) => ({ collector: createMetricCollector(async () => undefined, clock) }),
};
