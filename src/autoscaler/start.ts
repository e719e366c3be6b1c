import type { Metric } from "../apis/autoscaling/metric.ts";
import { PodAutoscaler } from "../apis/autoscaling/podautoscaler.ts";
import { Pod } from "../apis/core/pod.ts";
import { splitKey } from "../apis/meta.ts";
import { revisionUidLabel } from "../apis/serving/labels.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import type { Controller, ControllerContext } from "../kube/controller.ts";
import type { Locate } from "../lib/locate.ts";
import { startHpaController } from "./hpa/controller.ts";
import { startKpaController } from "./kpa/controller.ts";
import { createMetricCollector, type MetricCollector } from "./metric/collector.ts";
import { startMetricController } from "./metric/controller.ts";
import type { AutoscalerMetrics } from "./metrics.ts";
import { createMultiScaler, type MultiScaler } from "./multi-scaler.ts";
import { addressesByAge, countPods, podsOf } from "./pods.ts";
import { createScrapeClient } from "./scrape/client.ts";
import { createScraper, type Scraper } from "./scrape/scraper.ts";
import { windowLengths } from "./settings.ts";

export interface Autoscaler {
  readonly collector: MetricCollector;
  readonly multiScaler: MultiScaler;
  /** Settles once the context's signal has aborted and everything has stopped. */
  readonly done: Promise<void>;
}

/** Starts all that scales: collecting load from pods (`locate` says where they are), deciding, and applying what was decided. */
export function startAutoscaler(
  context: ControllerContext<ServingConfig>,
  metrics: AutoscalerMetrics,
  locate: Locate,
): Autoscaler {
  const { clock, log, signal } = context;
  const pods = context.informers.of(Pod, { labelSelector: revisionUidLabel });
  const podAutoscalers = context.informers.of(PodAutoscaler);
  const client = createScrapeClient(locate);
  const scrapers = new WeakMap<Metric, Scraper>();

  const scraperOf = (metric: Metric): Scraper => {
    const known = scrapers.get(metric);
    if (known) return known;
    const { network } = context.config.current();
    const scraper = createScraper(
      { namespace: metric.metadata.namespace ?? "", scrapeTarget: metric.spec.scrapeTarget ?? "" },
      {
        client,
        meshMode: network.meshCompatibilityMode,
        passthrough: network.enableMeshPodAddressability,
        log: log.child({ "knative.dev/key": `${metric.metadata.namespace}/${metric.metadata.name}` }),
        random: Math.random,
      },
    );
    scrapers.set(metric, scraper);
    return scraper;
  };

  const collector = createMetricCollector(async (metric) => {
    const { stableMs } = windowLengths(metric);
    const revisionPods = podsOf(pods, metric.metadata.namespace ?? "", metric.metadata.name);
    const startedAt = clock.monotonic();
    const stat = await scraperOf(metric).scrape(addressesByAge(revisionPods, stableMs, clock.now()), stableMs);
    const pa = stat && podAutoscalers.get(metric.metadata);
    if (pa) metrics.scraped(pa, clock.monotonic() - startedAt);
    return stat;
  }, clock);

  const countsOf = (key: string) => {
    const { namespace = "", name } = splitKey(key);
    return countPods(podsOf(pods, namespace, name));
  };
  const multiScaler = createMultiScaler(
    (key, spec) => {
      const averages = collector.averages(key, spec.scalingMetric);
      if (typeof averages === "string") return undefined;
      return { readyPods: countsOf(key).ready, stableValue: averages.stable, panicValue: averages.panic };
    },
    (key) => countsOf(key).ready,
    clock,
  );

  multiScaler.onDecision((key, decision) => {
    const pa = podAutoscalers.get(splitKey(key));
    if (pa) metrics.decided(pa, decision);
  });
  podAutoscalers.onChange((change) => {
    if (change.type === "deleted") metrics.forget(change.object);
  });

  const controllers: Controller[] = [
    startMetricController(context, collector),
    startKpaController(context, multiScaler, metrics.pods),
    startHpaController(context),
  ];
  signal.addEventListener("abort", () => {
    collector.close();
    multiScaler.close();
    client.close();
  });
  return { collector, multiScaler, done: Promise.all(controllers.map(({ done }) => done)).then(() => undefined) };
}
