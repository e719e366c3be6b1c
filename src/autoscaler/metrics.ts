import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { PodAutoscaler } from "../apis/autoscaling/podautoscaler.ts";
import { configurationLabel, serviceLabel } from "../apis/serving/labels.ts";
import { type Explanation, isHeldBack } from "./explain/explanation.ts";
import type { PodCounts } from "./pods.ts";

/** Where the autoscaler reports what it sees and decides. */
export interface AutoscalerMetrics {
  /** The pods of a revision; `want` is -1 while nothing is asked for. */
  pods(pa: PodAutoscaler, counts: PodCounts & { readonly want: number }): void;
  decided(pa: PodAutoscaler, decision: Explanation): void;
  scraped(pa: PodAutoscaler, durationMs: number): void;
  /** A decision that was due `latenessMs` ago was made. */
  ticked(latenessMs: number): void;
  /** Removes a revision's series. */
  forget(pa: PodAutoscaler): void;
}

const labelNames = ["namespace_name", "service_name", "configuration_name", "revision_name"] as const;
const scrapeBucketsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

const latenessBucketsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/**
 * Prometheus metrics under upstream's names, beginning with `autoscaler_`.
 * Source: serving v0.42.2 pkg/autoscaler/scaling, pkg/autoscaler/metrics and pkg/reconciler/autoscaling/kpa metrics.go.
 */
export function createAutoscalerMetrics(registry: Registry): AutoscalerMetrics {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `autoscaler_${name}`, help, labelNames, registers: [registry] });
  const gauges = {
    requested: gauge("requested_pods", "Number of pods autoscaler requested from Kubernetes"),
    actual: gauge("actual_pods", "Number of pods that are allocated currently"),
    notReady: gauge("not_ready_pods", "Number of pods that are not ready currently"),
    pending: gauge("pending_pods", "Number of pods that are pending currently"),
    terminating: gauge("terminating_pods", "Number of pods that are terminating currently"),
    desired: gauge("desired_pods", "Number of pods autoscaler wants to allocate"),
    burst: gauge(
      "excess_burst_capacity",
      "Current excess burst capacity over average request count over the stable window",
    ),
    panicMode: gauge("panic_mode", "1 if autoscaler is in panic mode, 0 otherwise"),
  };
  const concurrency = {
    stable: gauge("stable_request_concurrency", "Average of requests count over the stable window"),
    panic: gauge("panic_request_concurrency", "Average of requests count over the panic window"),
    target: gauge("target_concurrency_per_pod", "The desired number of concurrent requests for each pod"),
  };
  const requestRate = {
    stable: gauge("stable_requests_per_second", "Average requests-per-second over the stable window"),
    panic: gauge("panic_requests_per_second", "Average requests-per-second over the panic window"),
    target: gauge("target_requests_per_second", "The desired requests-per-second for each pod"),
  };
  const heldBack = gauge("held_back", "1 if the load asks for another number of pods than is wanted, 0 otherwise");
  const changes = new Counter({
    name: "autoscaler_scale_changes_total",
    help: "Number of decisions that changed the wanted number of pods, by the rule that had the last word",
    labelNames: ["rule", "direction"],
    registers: [registry],
  });
  const lateness = new Histogram({
    name: "autoscaler_tick_lateness",
    help: "How late decisions are made in milliseconds",
    buckets: latenessBucketsMs,
    registers: [registry],
  });
  const scrapeTime = new Histogram({
    name: "autoscaler_scrape_time",
    help: "The time to scrape metrics in milliseconds",
    labelNames,
    buckets: scrapeBucketsMs,
    registers: [registry],
  });

  return {
    pods(pa, { want, ready, notReady, pending, terminating }) {
      const labels = labelsOf(pa);
      gauges.actual.set(labels, ready);
      gauges.notReady.set(labels, notReady);
      gauges.pending.set(labels, pending);
      gauges.terminating.set(labels, terminating);
      if (want >= 0) gauges.requested.set(labels, want);
    },
    decided(pa, decision) {
      const labels = labelsOf(pa);
      const values = decision.spec.scalingMetric === "rps" ? requestRate : concurrency;
      gauges.desired.set(labels, decision.desiredPods);
      gauges.burst.set(labels, decision.excessBurstCapacity);
      gauges.panicMode.set(labels, decision.mode === "panic" ? 1 : 0);
      values.stable.set(labels, decision.stableValue);
      values.panic.set(labels, decision.panicValue);
      values.target.set(labels, decision.spec.targetValue);
      heldBack.set(labels, isHeldBack(decision) ? 1 : 0);
      const { want, before, rule } = decision;
      if (want >= 0 && before >= 0 && want !== before) changes.inc({ rule, direction: want > before ? "up" : "down" });
    },
    ticked: (latenessMs) => lateness.observe(latenessMs),
    scraped: (pa, durationMs) => scrapeTime.observe(labelsOf(pa), durationMs),
    forget(pa) {
      const series = [
        ...Object.values(gauges),
        ...Object.values(concurrency),
        ...Object.values(requestRate),
        heldBack,
        scrapeTime,
      ];
      for (const one of series) one.remove(labelsOf(pa));
    },
  };
}

function labelsOf({ metadata }: PodAutoscaler): Record<(typeof labelNames)[number], string> {
  return {
    namespace_name: metadata.namespace ?? "",
    service_name: metadata.labels?.[serviceLabel] || "unknown",
    configuration_name: metadata.labels?.[configurationLabel] ?? "",
    revision_name: metadata.name,
  };
}
