import { Metric } from "../../apis/autoscaling/metric.ts";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { apiVersionOf } from "../../apis/kind.ts";
import type { AutoscalerConfig } from "../../config/autoscaler.ts";
import { childMetadata } from "../child-metadata.ts";
import { nanosecondsPerMs, panicWindowPercentage, stableWindowMs } from "../settings.ts";

const bucketMs = 1000;

/**
 * The Metric that makes somebody collect the load of a PodAutoscaler's revision; `scrapeTarget` is the Service that
 * leads to its pods, or empty when nothing is to be scraped.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/resources MakeMetric.
 */
export function makeMetric(pa: PodAutoscaler, scrapeTarget: string, config: AutoscalerConfig): Metric {
  const stableMs = stableWindowMs(pa, config);
  const share = (stableMs * panicWindowPercentage(pa, config)) / 100;
  const panicMs = Math.max(bucketMs, Math.round(share / 1000) * 1000);
  return {
    apiVersion: apiVersionOf(Metric),
    kind: Metric.kind,
    metadata: childMetadata(pa),
    spec: {
      stableWindow: stableMs * nanosecondsPerMs,
      panicWindow: panicMs * nanosecondsPerMs,
      scrapeTarget,
    },
  };
}
