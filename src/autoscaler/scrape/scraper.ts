import type { Logger } from "../../lib/log.ts";
import { type ScrapeClient, ScrapeError } from "./client.ts";
import { ClosedError } from "./connections.ts";
import { sampleSize } from "./sample-size.ts";
import { extrapolate, type Stat } from "./stat.ts";

/** How the mesh setting (config-network mesh-compatibility-mode) lets stats be fetched. */
export type MeshMode = "auto" | "enabled" | "disabled";

/** A scrape that found pods but cannot say what the load of the revision is. The texts are upstream's. */
export class CollectionError extends Error {
  readonly reason: "exhausted" | "no stat" | "mesh";
  constructor(message: string, reason: CollectionError["reason"], cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

export interface Revision {
  readonly namespace: string;
  /** The Service that leads to all its pods' stats. */
  readonly scrapeTarget: string;
}

export interface ScraperDeps {
  readonly client: ScrapeClient;
  readonly meshMode: MeshMode;
  /** Whether pods are reached through a mesh that passes direct addresses on. */
  readonly passthrough: boolean;
  readonly log: Logger;
  readonly random: () => number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export interface Scraper {
  /**
   * The summed-up load of all serving pods, from a sample of them; undefined when there are none.
   * Rejects with CollectionError when too few answer.
   */
  scrape(addresses: { readonly old: string[]; readonly young: string[] }, windowMs: number): Promise<Stat | undefined>;
}

const serviceScrapeTries = 10;
/** After this time no further pod is asked: hundreds that never answer would keep the revision from being scraped again. */
const patienceMs = 5000;

/** Scrapes the pods of one revision. Source: serving v0.42.2 pkg/autoscaler/metrics stats_scraper.go. */
export function createScraper(revision: Revision, deps: ScraperDeps): Scraper {
  let podsAddressable = true;
  /** The pods that did not answer when they were last asked: each is told of once. */
  const silent = new Set<string>();
  return {
    async scrape(addresses, windowMs) {
      for (const address of silent) {
        if (!addresses.old.includes(address) && !addresses.young.includes(address)) silent.delete(address);
      }
      const population = addresses.old.length + addresses.young.length;
      if (population === 0) return undefined;
      if (deps.meshMode === "enabled") return scrapeService(revision, deps, population, windowMs);
      if (deps.meshMode === "disabled" || deps.passthrough) return scrapePods(revision, deps, addresses, silent);
      if (podsAddressable) {
        try {
          return await scrapePods(revision, deps, addresses, silent);
        } catch (error) {
          if (!(error instanceof CollectionError) || error.reason !== "mesh") throw error;
        }
      }
      const stat = await scrapeService(revision, deps, population, windowMs);
      if (podsAddressable) deps.log.info("Direct pod scraping off, service scraping, on");
      podsAddressable = false;
      return stat;
    },
  };
}

async function scrapePods(
  revision: Revision,
  deps: ScraperDeps,
  addresses: { readonly old: string[]; readonly young: string[] },
  silent: Set<string>,
): Promise<Stat> {
  const { old, young } = addresses;
  const population = old.length + young.length;
  const wanted = sampleSize(population);
  // Old pods first; the young ones stand in where there are too few, or where an old one does not answer.
  const candidates =
    old.length < wanted ? [...old, ...shuffled(young, deps.random)] : [...shuffled(old, deps.random), ...young];
  const headers = deps.passthrough
    ? { host: `${revision.scrapeTarget}.${revision.namespace}`, "knative-direct-lb": "true" }
    : {};

  const stats: Stat[] = [];
  let onlyMeshErrors = true;
  let next = 0;
  const lastMs = deps.now() + patienceMs;
  const scrapeOne = async () => {
    while (next < candidates.length && deps.now() < lastMs) {
      const host = candidates[next++]!;
      try {
        stats.push(await deps.client.scrape({ host, headers }));
        silent.delete(host);
        return;
      } catch (error) {
        if (error instanceof ClosedError) throw error;
        if (!(error instanceof ScrapeError && error.mightBeMesh)) onlyMeshErrors = false;
        if (!silent.has(host)) deps.log.info(`Failed scraping pod ${host}`, { error });
        silent.add(host);
      }
    }
  };
  await Promise.all(Array.from({ length: wanted }, scrapeOne));

  if (stats.length === wanted) return extrapolate(stats, population);
  if (stats.length > 0 || !onlyMeshErrors) throw new CollectionError("pods exhausted", "exhausted");
  throw new CollectionError("all pod scrapes returned 503 error", "mesh");
}

async function scrapeService(
  revision: Revision,
  deps: ScraperDeps,
  population: number,
  windowMs: number,
): Promise<Stat> {
  const wanted = sampleSize(population);
  const host = `${revision.scrapeTarget}.${revision.namespace}`;
  const seen = new Set<string>();
  const old: Stat[] = [];
  const young: Stat[] = [];
  let failure: unknown;
  const lastMs = deps.now() + patienceMs;
  const scrapeOne = async () => {
    let last: unknown;
    for (let tries = 1; tries <= serviceScrapeTries && deps.now() < lastMs; tries++) {
      try {
        const stat = await deps.client.scrape({ host, newConnection: true });
        if (seen.has(stat.podName)) throw new CollectionError("did not receive stat from an unscraped pod", "no stat");
        seen.add(stat.podName);
        if (stat.processUptime * 1000 >= windowMs) {
          old.push(stat);
          return;
        }
        if (young.length === wanted) return;
        young.push(stat);
      } catch (error) {
        if (error instanceof ClosedError) throw error;
        last = error;
      }
    }
    failure = last ?? failure;
  };
  await Promise.all(Array.from({ length: wanted }, scrapeOne));

  const enough = [...old, ...young].slice(0, wanted);
  if (enough.length < wanted) {
    const reason = failure instanceof CollectionError ? failure.reason : "exhausted";
    const detail = failure instanceof Error ? failure.message : "too few pods answered";
    throw new CollectionError(`unsuccessful scrape, sampleSize=${wanted}: ${detail}`, reason, failure);
  }
  return extrapolate(enough, population);
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
