import type { Metric } from "../apis/autoscaling/metric.ts";
import { PodAutoscaler } from "../apis/autoscaling/podautoscaler.ts";
import type { Pod } from "../apis/core/pod.ts";
import { keyOf, splitKey } from "../apis/meta.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import type { Informer } from "../kube/api.ts";
import type { Controller, ControllerContext } from "../kube/controller.ts";
import type { Locate } from "../lib/locate.ts";
import { startHpaController } from "./hpa/controller.ts";
import { startKpaController } from "./kpa/controller.ts";
import { createMetricCollector, type MetricCollector } from "./metric/collector.ts";
import { startMetricController } from "./metric/controller.ts";
import type { AutoscalerMetrics } from "./metrics.ts";
import { createMultiScaler, type MultiScaler } from "./multi-scaler.ts";
import { addressesByAge, countPods, podsOf, revisionPodsOf } from "./pods.ts";
import { createReplicas, type Replicas, type ReplicaView } from "./replicas/replicas.ts";
import { createScrapeClient } from "./scrape/client.ts";
import { createScraper, type Scraper } from "./scrape/scraper.ts";
import { windowLengths } from "./settings.ts";

export interface Autoscaler {
  readonly collector: MetricCollector;
  readonly multiScaler: MultiScaler;
  readonly replicas: Replicas;
  /** Settles once the context's signal has aborted and everything has stopped. */
  readonly done: Promise<void>;
}

/** Starts all that scales: collecting load from pods (`locate` says where they are), deciding, and applying what was decided. */
export function startAutoscaler(
  context: ControllerContext<ServingConfig>,
  metrics: AutoscalerMetrics,
  view: ReplicaView,
  locate: Locate,
): Autoscaler {
  const { clock, log, signal, ownership } = context;
  const pods = revisionPodsOf(context.informers);
  const podAutoscalers = context.informers.of(PodAutoscaler);
  const client = createScrapeClient(locate);
  const replicas = createReplicas({ ...view, owns: ownership.owns, clock, log });

  const collector = createMetricCollector(createScrape(context, pods, client, metrics), clock, {
    owns: ownership.owns,
    inheritance: (key) => replicas.standby.recall(key)?.records,
  });

  const countsOf = (key: string) => {
    const { namespace = "", name } = splitKey(key);
    return countPods(podsOf(pods, namespace, name));
  };
  const multiScaler = createMultiScaler(
    (key, spec) => {
      const averages = collector.averages(key, spec.scalingMetric);
      if (typeof averages === "string") return undefined;
      const { stable, panic, knownSinceMs } = averages;
      return { readyPods: countsOf(key).ready, stableValue: stable, panicValue: panic, knownSinceMs };
    },
    (key) => countsOf(key).ready,
    clock,
    { owns: ownership.owns, inheritance: replicas.standby.recall, onTick: metrics.ticked },
  );
  replicas.start(collector, multiScaler);

  multiScaler.onDecision((key, decision) => {
    const pa = podAutoscalers.get(splitKey(key));
    if (pa) metrics.decided(pa, decision);
  });
  podAutoscalers.onChange((change) => {
    if (change.type !== "deleted") return;
    metrics.forget(change.object);
    replicas.standby.forget(keyOf(change.object));
  });

  const controllers: Controller[] = [
    startMetricController(context, collector),
    startKpaController(context, multiScaler, metrics.pods),
    startHpaController(context),
  ];
  signal.addEventListener("abort", () => {
    collector.close();
    multiScaler.close();
    replicas.close();
    client.close();
  });
  const done = Promise.all(controllers.map((controller) => controller.done)).then(() => undefined);
  return { collector, multiScaler, replicas, done };
}

/** Scrapes the pods of a Metric's revision, with what is known of them at that moment. */
function createScrape(
  context: ControllerContext<ServingConfig>,
  pods: Informer<Pod>,
  client: ReturnType<typeof createScrapeClient>,
  metrics: AutoscalerMetrics,
): (metric: Metric) => ReturnType<Scraper["scrape"]> {
  const { clock, informers, config, log } = context;
  const podAutoscalers = informers.of(PodAutoscaler);
  const scrapers = new Map<string, { readonly target: string; readonly scraper: Scraper }>();

  const scraperOf = (metric: Metric): Scraper => {
    const { network } = config.current();
    const key = keyOf(metric);
    const { scrapeTarget = "" } = metric.spec;
    const target = `${scrapeTarget} ${network.meshCompatibilityMode} ${network.enableMeshPodAddressability}`;
    const known = scrapers.get(key);
    if (known?.target === target) return known.scraper;
    const scraper = createScraper(
      { namespace: metric.metadata.namespace ?? "", scrapeTarget },
      {
        client,
        meshMode: network.meshCompatibilityMode,
        passthrough: network.enableMeshPodAddressability,
        log: log.child({ "knative.dev/key": key }),
        random: Math.random,
        now: () => clock.monotonic(),
      },
    );
    scrapers.set(key, { target, scraper });
    return scraper;
  };
  podAutoscalers.onChange(({ type, object }) => {
    if (type === "deleted") scrapers.delete(keyOf(object));
  });

  return async (metric) => {
    const { stableMs } = windowLengths(metric);
    const own = podsOf(pods, metric.metadata.namespace ?? "", metric.metadata.name);
    const startedAt = clock.monotonic();
    const stat = await scraperOf(metric).scrape(addressesByAge(own, stableMs, clock.now()), stableMs);
    const pa = stat && podAutoscalers.get(metric.metadata);
    if (pa) metrics.scraped(pa, clock.monotonic() - startedAt);
    return stat;
  };
}
