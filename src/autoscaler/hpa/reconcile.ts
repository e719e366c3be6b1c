import { hpaClass } from "../../apis/autoscaling/labels.ts";
import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { isTrue } from "../../apis/conditions.ts";
import { HorizontalPodAutoscaler } from "../../apis/core/horizontalpodautoscaler.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, Writer } from "../../kube/api.ts";
import { semanticCovers } from "../../kube/semantic.ts";
import {
  ensureServerlessService,
  isServiceReady,
  makeServerlessService,
  refuseForeign,
  type ServerlessServiceDeps,
  withConditions,
} from "../serverlessservice.ts";
import { autoscalerClass } from "../settings.ts";
import { activeThreshold, baseStatus } from "../status.ts";
import { makeHorizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";

export interface Deps extends ServerlessServiceDeps {
  readonly horizontalPodAutoscalers: Lister<HorizontalPodAutoscaler>;
  readonly horizontalPodAutoscalerClient: Writer<HorizontalPodAutoscaler>;
}

export const hpaClassReconciler = {
  kind: PodAutoscaler,
  filter: (pa: PodAutoscaler) => autoscalerClass(pa) === hpaClass,
  reconcile: reconcileHpaClass,
  deps: ({ client, informers }: ClusterAccess) => ({
    serverlessServices: informers.of(ServerlessService),
    serverlessServiceClient: client.of(ServerlessService),
    horizontalPodAutoscalers: informers.of(HorizontalPodAutoscaler),
    horizontalPodAutoscalerClient: client.of(HorizontalPodAutoscaler),
  }),
};

/** "All": Kubernetes scales the revision, so that its load does not decide over activators. */
const numActivators = 0;

/**
 * Leaves the scale of a revision to a HorizontalPodAutoscaler, and reports what that does.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/hpa.
 */
async function reconcileHpaClass(
  pa: PodAutoscaler,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<PodAutoscaler>> {
  return withConditions(pa, pass, async (conditions) => {
    const desired = makeHorizontalPodAutoscaler(pa, pass.config.autoscaler);
    const existing = deps.horizontalPodAutoscalers.get(desired.metadata);
    if (existing) refuseForeign(existing, "HorizontalPodAutoscaler", pa, conditions);
    const autoscaler = await ensureHorizontalPodAutoscaler(desired, existing, deps);

    const wanted = makeServerlessService(pa, "Serve", numActivators);
    const service = await ensureServerlessService(wanted, pa, conditions, deps);
    const { currentReplicas = 0, desiredReplicas = 0 } = autoscaler.status ?? {};
    if (isServiceReady(service)) {
      conditions.markTrue("SKSReady");
      const initialized = isTrue(conditions.get("ScaleTargetInitialized"));
      if (!initialized && currentReplicas >= activeThreshold(pa, conditions, pass.config.autoscaler)) {
        conditions.markTrue("ScaleTargetInitialized");
      }
    } else {
      conditions.markUnknown("SKSReady", "NotReady", "SKS Services are not ready yet");
    }
    conditions.markTrue("Active");
    return {
      status: {
        ...baseStatus(pa, conditions),
        serviceName: service.status?.serviceName ?? "",
        metricsServiceName: service.status?.privateServiceName ?? "",
        desiredScale: desiredReplicas,
        actualScale: currentReplicas,
      },
    };
  });
}

async function ensureHorizontalPodAutoscaler(
  desired: HorizontalPodAutoscaler,
  existing: HorizontalPodAutoscaler | undefined,
  deps: Deps,
): Promise<HorizontalPodAutoscaler> {
  if (!existing) return deps.horizontalPodAutoscalerClient.create(desired);
  // What the API server filled in is not a difference.
  if (semanticCovers(existing.spec, desired.spec)) return existing;
  return deps.horizontalPodAutoscalerClient.update({ ...existing, spec: desired.spec });
}
