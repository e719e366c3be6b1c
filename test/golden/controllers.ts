import { Metric } from "../../src/apis/autoscaling/metric.ts";
import { PodAutoscaler } from "../../src/apis/autoscaling/podautoscaler.ts";
import { Deployment } from "../../src/apis/core/deployment.ts";
import { Pod } from "../../src/apis/core/pod.ts";
import { Secret } from "../../src/apis/core/secret.ts";
import { Service } from "../../src/apis/core/service.ts";
import { Gateway } from "../../src/apis/istio/gateway.ts";
import { VirtualService } from "../../src/apis/istio/virtualservice.ts";
import { Ingress } from "../../src/apis/networking/ingress.ts";
import { ServerlessService } from "../../src/apis/networking/serverlessservice.ts";
import { Revision } from "../../src/apis/serving/revision.ts";
import { decide, initialDeciderState } from "../../src/autoscaler/decide.ts";
import { createDecisionRing } from "../../src/autoscaler/explain/decision-ring.ts";
import { type Deps as AutoscalerDeps, reconcilePodAutoscaler } from "../../src/autoscaler/kpa/reconcile.ts";
import { createScaleTargets } from "../../src/autoscaler/kpa/scale-target.ts";
import type { MultiScaler } from "../../src/autoscaler/multi-scaler.ts";
import { indexByRevision } from "../../src/autoscaler/pods.ts";
import { type Deps as IngressDeps, isForIstio, reconcileIngress } from "../../src/istio/reconcile.ts";
import type { ControllerRow } from "../../src/main/answer/reconcile.ts";
import type { DigestState } from "../../src/reconcilers/revision/digest/resolver.ts";
import { type RevisionDeps, reconcileRevision } from "../../src/reconcilers/revision/reconcile.ts";
import { revisionDeps } from "../../src/reconcilers/revision/revision-world.ts";

const installation = { systemNamespace: "knative-serving", metricsDomain: "chainguard.dev/hakn" };

/** The Ingress controller before gateways that serve whatever they are told. */
export const ingressRow: ControllerRow<Ingress, IngressDeps> = {
  kind: Ingress,
  filter: isForIstio,
  reconcile: reconcileIngress,
  deps: ({ client, informers }) => ({
    services: informers.of(Service),
    gateways: informers.of(Gateway),
    gatewayClient: client.of(Gateway),
    virtualServices: informers.of(VirtualService),
    virtualServiceClient: client.of(VirtualService),
    secretClient: client.of(Secret),
    prober: { isProven: () => true, forget: () => {} },
  }),
};

/** The controller of Revisions; `digests` is what the registry said. */
export function revisionRow(digests: DigestState): ControllerRow<Revision, RevisionDeps> {
  return {
    kind: Revision,
    reconcile: reconcileRevision,
    deps: (world) => revisionDeps(world, digests, installation),
  };
}

/** The controller of PodAutoscalers of class kpa, where `readyPods` pods, seen for the first time, have no load. */
export function podAutoscalerRow(readyPods: number): ControllerRow<PodAutoscaler, AutoscalerDeps> {
  const idle = { readyPods, stableValue: 0, panicValue: 0 };
  const advise: MultiScaler["advise"] = (_key, spec) => {
    const { decision } = decide(spec, initialDeciderState(spec, readyPods, 0), idle, 0);
    return { desiredScale: decision.desiredPods, excessBurstCapacity: decision.excessBurstCapacity };
  };
  return {
    kind: PodAutoscaler,
    reconcile: reconcilePodAutoscaler,
    deps: ({ client, informers }) => {
      const pods = informers.of(Pod);
      indexByRevision(pods);
      const decisions = createDecisionRing();
      return {
        serverlessServices: informers.of(ServerlessService),
        serverlessServiceClient: client.of(ServerlessService),
        metrics: informers.of(Metric),
        metricClient: client.of(Metric),
        pods,
        scaleTargets: createScaleTargets(client, informers.of(Deployment)),
        multiScaler: { advise, decisions: () => decisions } as unknown as MultiScaler,
        observe: () => {},
      };
    },
  };
}
