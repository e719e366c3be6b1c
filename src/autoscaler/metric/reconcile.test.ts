import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "../../apis/autoscaling/metric.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { linesOf } from "../../testing/serving-objects.ts";
import { CollectionError } from "../scrape/scraper.ts";
import type { MetricCollector } from "./collector.ts";
import { reconcileMetric } from "./reconcile.ts";

const metric: Metric = {
  apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
  kind: "Metric",
  metadata: { namespace: "ns", name: "app", generation: 4 },
  spec: { stableWindow: 60e9, panicWindow: 6e9, scrapeTarget: "app-private" },
};

const noStat = "did not receive stat from an unscraped pod";
const failed = "CollectionFailed: Failed to reconcile metric collection:";
const rows: [name: string, error: Error | undefined, ready: string][] = [
  ["load is collected", undefined, "Ready=True"],
  [
    "the Service leads to no new pod",
    new CollectionError(noStat, "no stat"),
    `Ready=False DidNotReceiveStat: ${noStat}`,
  ],
  ["too few pods answer", new CollectionError("pods exhausted", "exhausted"), `Ready=False ${failed} pods exhausted`],
  ["something else went wrong", new Error("boom"), `Ready=False ${failed} boom`],
];

for (const [name, error, ready] of rows) {
  test(`a Metric: ${name}`, async () => {
    const collector = { collect: () => error } as unknown as MetricCollector;
    const { status } = await reconcileMetric(metric, { collector }, { clock: fakeClock() });
    assert.deepEqual(linesOf(status?.conditions), [ready]);
    assert.equal(status?.observedGeneration, 4);
  });
}
