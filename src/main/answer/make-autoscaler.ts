import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { makeHorizontalPodAutoscaler } from "../../autoscaler/hpa/horizontal-pod-autoscaler.ts";
import { makeDeciderSpec } from "../../autoscaler/kpa/decider-spec.ts";
import { makeMetric } from "../../autoscaler/kpa/metric.ts";
import { type Mode, makeServerlessService } from "../../autoscaler/serverlessservice.ts";
import { metricTarget, scaleBounds, stableWindowMs } from "../../autoscaler/settings.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { formatDuration } from "../../lib/duration.ts";
import { typed } from "./typed.ts";

interface MakeAutoscalerRequest {
  readonly podautoscaler?: PodAutoscaler;
  readonly mode?: Mode;
  readonly numActivators?: number;
  readonly metricService?: string;
}

/** Op `make` for what a PodAutoscaler is turned into, by resource. */
export const autoscalerMakers: Readonly<
  Record<string, (request: MakeAutoscalerRequest, config: ServingConfig) => unknown>
> = {
  serverlessservice: ({ podautoscaler, mode, numActivators }) =>
    podautoscaler && makeServerlessService(typed(PodAutoscaler, podautoscaler), mode || "Serve", numActivators ?? 0),
  metric: ({ podautoscaler, metricService }, { autoscaler }) =>
    podautoscaler && makeMetric(typed(PodAutoscaler, podautoscaler), metricService ?? "", autoscaler),
  hpa: ({ podautoscaler }, { autoscaler }) =>
    podautoscaler && {
      ...makeHorizontalPodAutoscaler(typed(PodAutoscaler, podautoscaler), autoscaler),
      // Go prints this field even where nothing is set.
      status: { desiredReplicas: 0 },
    },
  decider: ({ podautoscaler }, { autoscaler }) => {
    if (!podautoscaler) return undefined;
    const fields = Object.entries(makeDeciderSpec(podautoscaler, autoscaler)).map(([name, value]) => {
      const upstream = name.charAt(0).toUpperCase() + name.slice(1).replace(/Ms$/, "");
      return [upstream, name.endsWith("Ms") ? formatDuration(value as number) : value];
    });
    return Object.fromEntries(fields);
  },
  "metric-target": ({ podautoscaler }, { autoscaler }) => {
    if (!podautoscaler) return undefined;
    const { min, max } = scaleBounds(podautoscaler, autoscaler);
    return {
      ...metricTarget(podautoscaler, autoscaler),
      minScale: min,
      maxScale: max,
      stableWindow: formatDuration(stableWindowMs(podautoscaler, autoscaler)),
    };
  },
};
