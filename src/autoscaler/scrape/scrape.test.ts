import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../lib/log.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { type ScrapeClient, ScrapeError } from "./client.ts";
import { ClosedError, TimeoutError } from "./connections.ts";
import { sampleSize } from "./sample-size.ts";
import { CollectionError, createScraper, type MeshMode, type ScraperDeps } from "./scraper.ts";
import { decodeStat, emptyStat, type Stat, StatError } from "./stat.ts";

const statOf = (podName: string, load: number, processUptime = 100): Stat => ({
  ...emptyStat,
  podName,
  averageConcurrentRequests: load,
  requestCount: 2 * load,
  processUptime,
});

test("a stat message is decoded; nonsense is refused", () => {
  const bytes = Buffer.concat([
    Buffer.from("0a0968656c6c6f2d706f64", "hex"),
    ...[
      [2, 1.5],
      [4, 3],
      [6, 12],
    ].map(([field, value]) => {
      const part = Buffer.alloc(9);
      part[0] = (field! << 3) | 1;
      part.writeDoubleLE(value!, 1);
      return part;
    }),
    Buffer.from("38ac02", "hex"),
  ]);
  assert.deepEqual(decodeStat(bytes), {
    podName: "hello-pod",
    averageConcurrentRequests: 1.5,
    averageProxiedConcurrentRequests: 0,
    requestCount: 3,
    proxiedRequestCount: 0,
    processUptime: 12,
    timestampSeconds: 300,
  });
  const negative = Buffer.alloc(9);
  negative[0] = (2 << 3) | 1;
  negative.writeDoubleLE(-1, 1);
  const cases: [string, Buffer][] = [
    ["cut off", bytes.subarray(0, 14)],
    ["negative load", negative],
    ["endless varint", Buffer.alloc(12, 0xff)],
    ["a group", Buffer.from("0b", "hex")],
  ];
  for (const [name, wrong] of cases) assert.throws(() => decodeStat(wrong), StatError, name);
});

test("samples: all of few pods, never more than 16", () => {
  const cases = [
    [0, 0],
    [1, 1],
    [3, 3],
    [4, 4],
    [10, 7],
    [100, 14],
    [10_000, 16],
  ] as const;
  for (const [population, want] of cases) assert.equal(sampleSize(population), want, `${population} pods`);
});

/** A scraper that asks by `scrape`. */
const scraperOf = (scrape: ScrapeClient["scrape"], more: Partial<ScraperDeps> = {}) =>
  createScraper(
    { namespace: "ns", scrapeTarget: "rev-private" },
    {
      client: { scrape, close() {} },
      meshMode: "auto",
      passthrough: false,
      log: silentLogger,
      random: () => 0.5,
      now: () => 0,
      ...more,
    },
  );

interface Row {
  readonly name: string;
  readonly meshMode?: MeshMode;
  readonly old: string[];
  readonly young?: string[];
  readonly pods: Readonly<Record<string, Stat | Error>>;
  readonly want: { readonly concurrency: number } | { readonly error: RegExp } | undefined;
}

const rows: Row[] = [
  { name: "no pods: nothing to say", old: [], pods: {}, want: undefined },
  {
    name: "all of three pods are summed up",
    old: ["a", "b", "c"],
    pods: { a: statOf("a", 1), b: statOf("b", 2), c: statOf("c", 3) },
    want: { concurrency: 6 },
  },
  {
    name: "a young pod stands in for an old one that does not answer",
    old: ["a", "b", "c", "d", "e"],
    young: ["y"],
    pods: {
      a: statOf("a", 1),
      b: statOf("b", 1),
      c: statOf("c", 1),
      d: statOf("d", 1),
      e: new Error("refused"),
      y: statOf("y", 1),
    },
    want: { concurrency: 6 },
  },
  {
    name: "too few answers are no answer",
    old: ["a", "b"],
    pods: { a: statOf("a", 1), b: new Error("refused") },
    want: { error: /pods exhausted/ },
  },
  {
    name: "when every pod answers as a mesh would, the service is asked",
    old: ["a"],
    pods: { a: new ScrapeError("503", true), "rev-private.ns": statOf("a", 4) },
    want: { concurrency: 4 },
  },
  {
    name: "mesh mode disabled: the service is never asked",
    meshMode: "disabled",
    old: ["a"],
    pods: { a: new ScrapeError("503", true), "rev-private.ns": statOf("a", 4) },
    want: { error: /all pod scrapes returned 503 error/ },
  },
  {
    name: "mesh mode enabled: only the service is asked, until enough pods have answered",
    meshMode: "enabled",
    old: ["a", "b"],
    pods: { "rev-private.ns": statOf("a", 4) },
    want: { error: /did not receive stat from an unscraped pod/ },
  },
  {
    name: "mesh mode enabled: a young pod counts where the service leads to no old one",
    meshMode: "enabled",
    old: [],
    young: ["y"],
    pods: { "rev-private.ns": statOf("y", 4, 10) },
    want: { concurrency: 4 },
  },
  {
    name: "a client that is closed meanwhile is no failure of the pods",
    old: ["a"],
    pods: { a: new ClosedError("closing") },
    want: { error: /^Error: closing$/ },
  },
  {
    name: "mesh mode enabled: a client that is closed meanwhile is no failure of the service",
    meshMode: "enabled",
    old: ["a"],
    pods: { "rev-private.ns": new ClosedError("closing") },
    want: { error: /^Error: closing$/ },
  },
];

for (const row of rows) {
  test(`scrape: ${row.name}`, async () => {
    const scraper = scraperOf(
      async ({ host }) => {
        const answer = row.pods[host] ?? new Error(`nobody at ${host}`);
        if (answer instanceof Error) throw answer;
        return answer;
      },
      { meshMode: row.meshMode ?? "auto" },
    );
    const scraped = scraper.scrape({ old: row.old, young: row.young ?? [] }, 60_000);
    if (row.want && "error" in row.want) await assert.rejects(scraped, row.want.error);
    else assert.equal((await scraped)?.averageConcurrentRequests, row.want?.concurrency);
  });
}

test("a pod that does not answer is told of once, and again when it fails after it answered", async () => {
  const told: string[] = [];
  let answers = false;
  const scraper = scraperOf(
    async () => {
      if (answers) return statOf("a", 1);
      throw new Error("refused");
    },
    { log: { ...silentLogger, info: (text) => void told.push(text) } },
  );
  const scrape = () => scraper.scrape({ old: ["10.0.0.1"], young: [] }, 60_000).catch(() => undefined);
  for (let second = 0; second < 10; second++) await scrape();
  assert.deepEqual(told, ["Failed scraping pod 10.0.0.1"]);
  answers = true;
  await scrape();
  answers = false;
  await scrape();
  await scrape();
  assert.equal(told.length, 2);
});

const many = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);

const hanging: [string, MeshMode][] = [
  ["pods", "auto"],
  ["the service", "enabled"],
];
for (const [name, meshMode] of hanging) {
  test(`a thousand pods that never answer, asked by way of ${name}, are given up after few seconds`, async () => {
    const clock = fakeClock();
    let asked = 0;
    const scraper = scraperOf(
      async () => {
        asked++;
        await clock.sleep(3000);
        throw new TimeoutError("no answer within 3 s");
      },
      { meshMode, now: () => clock.monotonic() },
    );
    const given = assert.rejects(scraper.scrape({ old: many, young: [] }, 60_000), CollectionError);
    await clock.advance(6000);
    await given;
    assert.equal(asked, 32);
  });
}

test("shutting down is no failure of the pods: none is told of, no other one is asked", async () => {
  const told: string[] = [];
  let asked = 0;
  const scraper = scraperOf(
    async () => {
      asked++;
      throw new ClosedError("shutting down");
    },
    { log: { ...silentLogger, info: (text) => void told.push(text) } },
  );
  await assert.rejects(scraper.scrape({ old: many, young: [] }, 60_000), ClosedError);
  assert.deepEqual([told, asked], [[], 16]);
});
