/** What the average of a sliding window needs to be: record values, ask for the average at a time, change the size. */
export interface AverageWindow {
  record(nowMs: number, value: number): void;
  /** The average over the window that ends at `nowMs`; 0 when nothing was recorded in it. */
  average(nowMs: number): number;
  /** Whether nothing was recorded during the window that ends at `nowMs`. */
  isEmpty(nowMs: number): boolean;
  resize(windowMs: number, nowMs: number): void;
}

/** The state of a ring of buckets, each `granularityMs` long. Shared by both ways of averaging. */
interface Ring {
  windowMs: number;
  buckets: number[];
  /** Undefined until the first record, and after a resize that found nothing valid. */
  firstMs: number | undefined;
  /** Undefined until the first record: "longer ago than any window". */
  lastMs: number | undefined;
  total: number;
}

/** Distance from the year 1 (where truncation to a granularity begins in Go) to the Unix epoch. */
const yearOneMs = 62_135_596_800_000;
const digits = 1e6;

/**
 * The plain average of a sliding window over buckets, rounded down to 6 digits. Gaps count as zero.
 * Source: serving v0.42.2 pkg/autoscaler/aggregation TimedFloat64Buckets.
 */
export function linearWindow(windowMs: number, granularityMs: number): AverageWindow {
  const ring = ringOf(windowMs, granularityMs);
  return {
    ...operations(ring, granularityMs),
    average(nowMs) {
      const { lastMs } = ring;
      if (lastMs === undefined) return 0;
      const now = truncate(nowMs, granularityMs);
      const filled = Math.trunc((lastMs - (ring.firstMs ?? -yearOneMs)) / granularityMs) + 1;
      if (now <= lastMs) return roundDown(ring.total / Math.min(filled, ring.buckets.length));
      if (now - lastMs >= ring.windowMs) return 0;
      const lastIndex = indexAt(lastMs, granularityMs);
      const nowIndex = indexAt(now, granularityMs);
      let total = ring.total;
      for (let index = lastIndex + 1; index <= nowIndex; index++) total -= bucketAt(ring, index);
      return roundDown(total / Math.min(filled, ring.buckets.length - (nowIndex - lastIndex)));
    },
  };
}

/**
 * An exponentially weighted average over buckets: the newest counts most.
 * Source: serving v0.42.2 pkg/autoscaler/aggregation WeightedFloat64Buckets.
 */
export function weightedWindow(windowMs: number, granularityMs: number): AverageWindow {
  const ring = ringOf(windowMs, granularityMs);
  const linear = operations(ring, granularityMs);
  return {
    ...linear,
    average(nowMs) {
      const { lastMs } = ring;
      if (lastMs === undefined || linear.isEmpty(nowMs)) return 0;
      const smoothing = smoothingCoefficient(Math.ceil(ring.windowMs / granularityMs));
      const now = truncate(nowMs, granularityMs);
      let multiplier = smoothing;
      let count = ring.buckets.length;
      if (now > lastMs) {
        const missed = Math.trunc((now - lastMs) / granularityMs);
        multiplier *= powerOf(1 - smoothing, missed);
        count -= missed;
      }
      const newest = indexAt(lastMs, granularityMs) + ring.buckets.length;
      let average = 0;
      for (let age = 0; age < count; age++) {
        average += bucketAt(ring, newest - age) * multiplier;
        multiplier *= 1 - smoothing;
      }
      return average;
    },
  };
}

/** Weights must add up to 0.9999 over the window, but decay by at least 0.2 a bucket. */
function smoothingCoefficient(buckets: number): number {
  return Math.max(1 - (buckets === 1 ? 0.0001 : Math.exp((1 / buckets) * Math.log(0.0001))), 0.2);
}

/** By squaring, as Go does it, so that the last digit is the same. */
function powerOf(base: number, exponent: number): number {
  let result = 1;
  for (let rest = exponent, square = base; rest > 0; rest = Math.floor(rest / 2), square *= square) {
    if (rest % 2 === 1) result *= square;
  }
  return result;
}

function ringOf(windowMs: number, granularityMs: number): Ring {
  // Buckets are numbered by whole seconds, as upstream does it, which divides by zero here.
  if (granularityMs < 1000) throw new RangeError(`buckets of ${granularityMs} ms: they must last a second at least`);
  return {
    windowMs,
    buckets: new Array<number>(Math.ceil(windowMs / granularityMs)).fill(0),
    firstMs: undefined,
    lastMs: undefined,
    total: 0,
  };
}

function operations(ring: Ring, granularityMs: number): Omit<AverageWindow, "average"> {
  const isEmpty = (nowMs: number) =>
    ring.lastMs === undefined || truncate(nowMs, granularityMs) - ring.lastMs > ring.windowMs;
  return {
    isEmpty,
    record(nowMs, value) {
      const bucketMs = truncate(nowMs, granularityMs);
      const index = indexAt(nowMs, granularityMs);
      const { lastMs } = ring;
      if (lastMs === undefined || bucketMs !== lastMs) {
        if (lastMs !== undefined && bucketMs + ring.windowMs <= lastMs) return;
        if (ring.firstMs === undefined || ring.firstMs > bucketMs) ring.firstMs = bucketMs;
        if (lastMs === undefined || bucketMs - lastMs >= ring.windowMs) {
          ring.firstMs = bucketMs;
          ring.buckets.fill(0);
          ring.total = 0;
          ring.lastMs = bucketMs;
        } else if (bucketMs > lastMs) {
          for (let stale = indexAt(lastMs, granularityMs) + 1; stale <= index; stale++) {
            const slot = stale % ring.buckets.length;
            ring.total -= ring.buckets[slot]!;
            ring.buckets[slot] = 0;
          }
          ring.lastMs = bucketMs;
        }
      }
      const slot = index % ring.buckets.length;
      ring.buckets[slot] = ring.buckets[slot]! + value;
      ring.total += value;
    },
    resize(windowMs, nowMs) {
      if (windowMs === ring.windowMs) return;
      const resized = ringOf(windowMs, granularityMs);
      if (ring.lastMs !== undefined && truncate(nowMs, granularityMs) - ring.lastMs <= ring.windowMs) {
        let index = indexAt(ring.lastMs, granularityMs);
        for (let copied = 0; copied < Math.min(resized.buckets.length, ring.buckets.length); copied++, index--) {
          const value = bucketAt(ring, index);
          resized.buckets[index % resized.buckets.length] = value;
          resized.total += value;
        }
        resized.firstMs = ring.lastMs - (ring.buckets.length - 1) * granularityMs;
      }
      resized.lastMs = ring.lastMs;
      Object.assign(ring, resized);
    },
  };
}

function bucketAt(ring: Ring, index: number): number {
  return ring.buckets[index % ring.buckets.length]!;
}

function indexAt(timeMs: number, granularityMs: number): number {
  return Math.trunc(Math.floor(timeMs / 1000) / Math.trunc(granularityMs / 1000));
}

/** The begin of a time's bucket. Fractions of a millisecond go first: at this magnitude sums would round them across it. */
function truncate(timeMs: number, granularityMs: number): number {
  const wholeMs = Math.floor(timeMs);
  return wholeMs - ((wholeMs + yearOneMs) % granularityMs);
}

function roundDown(value: number): number {
  return Math.floor(value * digits) / digits;
}
