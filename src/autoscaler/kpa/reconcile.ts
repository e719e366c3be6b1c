import { kpaClass } from "../../apis/autoscaling/labels.ts";
import { Metric } from "../../apis/autoscaling/metric.ts";
import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { type ConditionDraft, conditionOf, isTrue } from "../../apis/conditions.ts";
import type { Pod } from "../../apis/core/pod.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { numbersMayWaitMs } from "../../apis/observed.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, Writer } from "../../kube/api.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { differsOnlyIn } from "../../kube/status.ts";
import { childName } from "../../lib/child-name.ts";
import { newsOf, scaleReasonAnnotation } from "../explain/news.ts";
import type { Advice, MultiScaler } from "../multi-scaler.ts";
import { countPods, type PodCounts, podsOf, revisionPodsOf } from "../pods.ts";
import {
  ensureServerlessService,
  isServiceReady,
  type Mode,
  makeServerlessService,
  refuseForeign,
  type ServerlessServiceDeps,
  withConditions,
} from "../serverlessservice.ts";
import { autoscalerClass, scaleBounds } from "../settings.ts";
import { activeThreshold, baseStatus, markActive } from "../status.ts";
import { makeDeciderSpec } from "./decider-spec.ts";
import { makeMetric } from "./metric.ts";
import { planScale, scaleUnknown } from "./scale.ts";
import { createScaleTargets, type ScaleTargets, scalableDeploymentsOf } from "./scale-target.ts";

/** What the KPA may read, and what it may write. */
export interface Deps extends ServerlessServiceDeps {
  readonly metrics: Lister<Metric>;
  readonly metricClient: Writer<Metric>;
  readonly pods: Pick<Lister<Pod>, "byIndex">;
  readonly scaleTargets: ScaleTargets;
  readonly multiScaler: MultiScaler;
  /** Told the pods of a revision that are there and wanted (-1: not known), for metrics. */
  readonly observe: (pa: PodAutoscaler, counts: PodCounts & { readonly want: number }) => void;
}

export const kpaClassReconciler = {
  kind: PodAutoscaler,
  filter: (pa: PodAutoscaler) => autoscalerClass(pa) === kpaClass,
  reconcile: reconcilePodAutoscaler,
  deps: ({ client, informers }: ClusterAccess, own: Pick<Deps, "multiScaler" | "observe">) => ({
    ...own,
    serverlessServices: informers.of(ServerlessService),
    serverlessServiceClient: client.of(ServerlessService),
    metrics: informers.of(Metric),
    metricClient: client.of(Metric),
    pods: revisionPodsOf(informers),
    scaleTargets: createScaleTargets(client, scalableDeploymentsOf(informers)),
  }),
};

/** Without activators in the path this number has no effect; upstream's least is 2. */
const numActivators = 2;

/**
 * Keeps a revision at the scale that its load asks for, and reports whether it can serve.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/kpa.
 */
async function reconcilePodAutoscaler(
  pa: PodAutoscaler,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<PodAutoscaler>> {
  return withConditions(pa, pass, (conditions) => reconcile(pa, conditions, deps, pass));
}

async function reconcile(
  pa: PodAutoscaler,
  conditions: ConditionDraft,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<PodAutoscaler>> {
  const { autoscaler: config } = pass.config;
  const namespace = pa.metadata.namespace!;
  const key = `${namespace}/${pa.metadata.name}`;
  const spec = makeDeciderSpec(pa, config);
  const counts = countPods(podsOf(deps.pods, namespace, pa.metadata.name));

  const situation = {
    pa,
    active: conditions.get("Active"),
    initialized: isTrue(conditions.get("ScaleTargetInitialized")),
    config,
    progressDeadlineMs: pass.config.deployment.progressDeadlineMs,
  };
  const planFor = (advised: number) => planScale({ ...situation, advised, nowMs: pass.clock.now() });
  const bounds = scaleBounds(pa, config);
  const advice = deps.multiScaler.advise(key, spec, { wanted: scaleSetLast(pa, deps), bounds, plan: planFor });
  const plan = planFor(advice.desiredScale);
  const replicas = plan.apply === undefined ? undefined : await deps.scaleTargets.scale(pa, plan.apply);
  const news = newsOf(pa, {
    latest: deps.multiScaler.decisions(key)?.latest(),
    want: plan.want,
    rule: plan.rule,
    bounds,
    scaledFrom: replicas,
    nowMs: pass.clock.now(),
  });
  if (news) {
    pass.log.info(news.text, { reason: news.eventReason });
    pass.events.normal(news.eventReason, news.text);
  }

  const mode = modeFor(plan.want, advice, conditions, pass);
  const service = await ensureServerlessService(makeServerlessService(pa, mode, numActivators), pa, conditions, deps);
  // Upstream does not ask pods whose load the activator tells (target-burst-capacity -1). There is none here.
  await ensureMetric(pa, privateServiceName(service), conditions, deps, pass);
  if (isServiceReady(service)) conditions.markTrue("SKSReady");
  else conditions.markUnknown("SKSReady", "NotReady", conditionOf(service, "Ready")?.message);

  const finished = finish(pa, conditions, { ...counts, want: plan.want }, deps, pass, service);
  const annotations = news && { ...pa.status?.annotations, [scaleReasonAnnotation]: news.annotation };
  const status = { ...finished, ...(annotations && { annotations }) };
  return {
    status,
    ...(differsOnlyIn(pa.status, status, ["actualScale"]) && { statusMayWaitMs: numbersMayWaitMs }),
    ...(plan.requeueAfterMs !== undefined && { requeueAfterMs: plan.requeueAfterMs }),
  };
}

/** The target says more than the status where whoever scaled it ended before the status was written. */
function scaleSetLast(pa: PodAutoscaler, { scaleTargets }: Deps): number | undefined {
  const reported = pa.status?.desiredScale;
  if (reported === undefined || reported < 0) return reported;
  return Math.max(reported, scaleTargets.present(pa) ?? scaleUnknown);
}

/** The Service that selects the revision's pods; until it was made, the name that it will have. */
function privateServiceName({ metadata, status }: ServerlessService): string {
  return status?.privateServiceName || childName(metadata.name, "-private");
}

function modeFor(want: number, advice: Advice, conditions: ConditionDraft, pass: Pass<ServingConfig>): Mode {
  if (pass.config.network.systemInternalTLS === "enabled") return "Proxy";
  if (want > 0 && advice.excessBurstCapacity >= 0) return "Serve";
  // Nothing is known yet and nothing was decided before: leave the mode that the object was made with.
  if (want === scaleUnknown && conditions.get("Active")?.status !== "False" && advice.excessBurstCapacity >= 0) {
    return "Serve";
  }
  return "Proxy";
}

function finish(
  pa: PodAutoscaler,
  conditions: ConditionDraft,
  counts: PodCounts & { readonly want: number },
  deps: Deps,
  pass: Pass<ServingConfig>,
  service?: ServerlessService,
): NonNullable<PodAutoscaler["status"]> {
  const serviceName = service?.status?.serviceName ?? pa.status?.serviceName ?? "";
  markActive(conditions, counts, activeThreshold(pa, conditions, pass.config.autoscaler), Boolean(serviceName));
  deps.observe(pa, counts);
  // A restarted autoscaler has no metrics for a moment: what was wanted before still is.
  const desired = counts.want === scaleUnknown ? (pa.status?.desiredScale ?? scaleUnknown) : counts.want;
  const metricsServiceName = service?.status?.privateServiceName ?? pa.status?.metricsServiceName ?? "";
  return {
    ...baseStatus(pa, conditions),
    serviceName,
    metricsServiceName,
    desiredScale: desired,
    actualScale: counts.ready,
  };
}

async function ensureMetric(
  pa: PodAutoscaler,
  scrapeTarget: string,
  conditions: ConditionDraft,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<void> {
  const desired = makeMetric(pa, scrapeTarget, pass.config.autoscaler);
  const existing = deps.metrics.get(desired.metadata);
  if (!existing) {
    await deps.metricClient.create(desired);
    return;
  }
  refuseForeign(existing, "Metric", pa, conditions);
  if (!semanticEqual(existing.spec, desired.spec)) {
    await deps.metricClient.update({ ...existing, spec: desired.spec });
  }
}
