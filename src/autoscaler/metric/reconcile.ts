import type { Metric } from "../../apis/autoscaling/metric.ts";
import { conditionSet } from "../../apis/conditions.ts";
import type { Outcome, Pass } from "../../kube/api.ts";
import { CollectionError } from "../scrape/scraper.ts";
import type { MetricCollector } from "./collector.ts";

const metricConditions = conditionSet("Ready");

/** Collects for a Metric as long as it exists, and reports whether that works. Source: serving v0.42.2 pkg/reconciler/metric. */
export async function reconcileMetric(
  metric: Metric,
  deps: { readonly collector: MetricCollector },
  pass: Pick<Pass<unknown>, "clock">,
): Promise<Outcome<Metric>> {
  const conditions = metricConditions.draft(metric.status?.conditions, pass.clock);
  conditions.initialize();
  const error = deps.collector.collect(metric);
  if (!error) {
    conditions.markTrue("Ready");
  } else if (error instanceof CollectionError && error.reason === "no stat") {
    conditions.markFalse("Ready", "DidNotReceiveStat", error.message);
  } else {
    conditions.markFalse("Ready", "CollectionFailed", `Failed to reconcile metric collection: ${error.message}`);
  }
  return { status: { observedGeneration: metric.metadata.generation ?? 0, conditions: conditions.all() } };
}
