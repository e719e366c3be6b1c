import { metricCpu, metricMemory } from "../../apis/autoscaling/labels.ts";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { HorizontalPodAutoscaler } from "../../apis/core/horizontalpodautoscaler.ts";
import { apiVersionOf } from "../../apis/kind.ts";
import type { AutoscalerConfig } from "../../config/autoscaler.ts";
import { childMetadata } from "../child-metadata.ts";
import { ownTarget, ownWindowMs, scaleBounds, scalingMetric } from "../settings.ts";

const unlimited = 2 ** 31 - 1;

type MetricSpec = NonNullable<HorizontalPodAutoscaler["spec"]["metrics"]>[number];

/**
 * The HorizontalPodAutoscaler that scales an HPA-class revision.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/hpa/resources MakeHPA.
 */
export function makeHorizontalPodAutoscaler(pa: PodAutoscaler, config: AutoscalerConfig): HorizontalPodAutoscaler {
  const { min, max } = scaleBounds(pa, config);
  const target = ownTarget(pa);
  const windowMs = ownWindowMs(pa);
  const stabilization =
    windowMs === undefined ? undefined : { stabilizationWindowSeconds: Math.trunc(windowMs / 1000) };
  const { kind = "", name: targetName = "", apiVersion } = pa.spec.scaleTargetRef;
  return {
    apiVersion: apiVersionOf(HorizontalPodAutoscaler),
    kind: HorizontalPodAutoscaler.kind,
    metadata: childMetadata(pa),
    spec: {
      scaleTargetRef: { kind, name: targetName, ...(apiVersion && { apiVersion }) },
      ...(min > 0 && { minReplicas: min }),
      maxReplicas: max === 0 ? unlimited : max,
      ...(target !== undefined && { metrics: [makeMetricSpec(scalingMetric(pa), target)] }),
      ...(stabilization && { behavior: { scaleUp: stabilization, scaleDown: stabilization } }),
    },
  };
}

/** A target is percent of the requested CPU, mebibytes of memory, or the value of a metric of the pods. */
function makeMetricSpec(metric: string, target: number): MetricSpec {
  if (metric === metricCpu) {
    return {
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: Math.ceil(target) } },
    };
  }
  const whole = Math.trunc(target);
  if (metric === metricMemory) {
    return {
      type: "Resource",
      resource: { name: "memory", target: { type: "AverageValue", averageValue: `${whole}Mi` } },
    };
  }
  return {
    type: "Pods",
    pods: { metric: { name: metric }, target: { type: "AverageValue", averageValue: String(whole) } },
  };
}
