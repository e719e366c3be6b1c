/**
 * Well-known annotations of the group autoscaling.knative.dev. Where there are two keys, the first one wins.
 * Source: knative.dev/serving pkg/apis/autoscaling, v0.42.2.
 */
export const autoscalingGroup = "autoscaling.knative.dev";
export const autoscalingInternalGroup = "autoscaling.internal.knative.dev";

export const classAnnotation = "autoscaling.knative.dev/class";
export const kpaClass = "kpa.autoscaling.knative.dev";
export const hpaClass = "hpa.autoscaling.knative.dev";

export const minScaleAnnotations = ["autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"] as const;
export const maxScaleAnnotations = ["autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/maxScale"] as const;
export const initialScaleAnnotations = [
  "autoscaling.knative.dev/initial-scale",
  "autoscaling.knative.dev/initialScale",
] as const;
export const activationScaleAnnotations = ["autoscaling.knative.dev/activation-scale"] as const;
export const scaleDownDelayAnnotations = [
  "autoscaling.knative.dev/scale-down-delay",
  "autoscaling.knative.dev/scaleDownDelay",
] as const;
export const metricAnnotations = ["autoscaling.knative.dev/metric"] as const;
export const targetAnnotations = ["autoscaling.knative.dev/target"] as const;
export const windowAnnotations = ["autoscaling.knative.dev/window"] as const;
export const targetUtilizationPercentageAnnotations = [
  "autoscaling.knative.dev/target-utilization-percentage",
  "autoscaling.knative.dev/targetUtilizationPercentage",
] as const;
export const targetBurstCapacityAnnotations = [
  "autoscaling.knative.dev/target-burst-capacity",
  "autoscaling.knative.dev/targetBurstCapacity",
] as const;
export const panicWindowPercentageAnnotations = [
  "autoscaling.knative.dev/panic-window-percentage",
  "autoscaling.knative.dev/panicWindowPercentage",
] as const;
export const panicThresholdPercentageAnnotations = [
  "autoscaling.knative.dev/panic-threshold-percentage",
  "autoscaling.knative.dev/panicThresholdPercentage",
] as const;
export const scaleToZeroPodRetentionPeriodAnnotations = [
  "autoscaling.knative.dev/scale-to-zero-pod-retention-period",
  "autoscaling.knative.dev/scaleToZeroPodRetentionPeriod",
] as const;
export const metricAggregationAlgorithmAnnotations = [
  "autoscaling.knative.dev/metric-aggregation-algorithm",
  "autoscaling.knative.dev/metricAggregationAlgorithm",
] as const;

export const metricConcurrency = "concurrency";
export const metricCpu = "cpu";
export const metricMemory = "memory";
