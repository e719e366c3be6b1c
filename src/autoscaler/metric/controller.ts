import { Metric } from "../../apis/autoscaling/metric.ts";
import { keyOf } from "../../apis/meta.ts";
import { type Controller, type ControllerContext, startController } from "../../kube/controller.ts";
import type { MetricCollector } from "./collector.ts";
import { reconcileMetric } from "./reconcile.ts";

/** Starts the controller of Metrics. */
export function startMetricController<Config>(
  context: ControllerContext<Config>,
  collector: MetricCollector,
): Controller {
  const controller = startController(context, {
    name: "metric",
    kind: Metric,
    deps: { collector },
    reconcile: reconcileMetric,
    watches: [],
  });
  collector.onHealthChange((key) => controller.enqueue(key));
  context.informers.of(Metric).onChange((change) => {
    if (change.type === "deleted") collector.forget(keyOf(change.object));
  });
  return controller;
}
