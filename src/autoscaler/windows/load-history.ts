/** What all pods of a revision had to do during one second. */
export interface Load {
  /** Requests in flight, on average. */
  readonly concurrency: number;
  /** Requests that came in. */
  readonly requests: number;
}

/** The load of the second that begins at `atMs`; without numbers: it was looked for, and there were no pods. */
export type LoadRecord = readonly [atMs: number, concurrency: number, requests: number] | readonly [atMs: number];

/**
 * What was seen of a revision's load, second by second, for as long as its windows reach back. Replaying it fills new
 * windows to the same averages: it is what one replica leaves to another.
 */
export interface LoadHistory {
  /** Adds to the load of a second; without `load`, says that there were no pods. */
  add(atMs: number, load?: Load): void;
  /** Puts in what another replica recorded; where both have a second, this history's stays. */
  merge(records: readonly LoadRecord[]): void;
  /** Gives the seconds of short gaps the load of the second after them: nobody saw them, which does not mean no load. */
  fillGaps(): void;
  /** Replaces the seconds that `records` has. */
  replace(records: readonly LoadRecord[]): void;
  /** Oldest first. */
  records(): readonly LoadRecord[];
  /** The records of the second `atMs` and of later ones. */
  from(atMs: number): readonly LoadRecord[];
  /** The second that was recorded last. */
  lastMs(): number | undefined;
  /** Since when no gap longer than `largestGapMs` is in it; undefined when nothing was recorded. */
  unbrokenSinceMs(): number | undefined;
  /** The length of the window that it keeps enough for. */
  windowMs(): number;
  resize(windowMs: number): void;
}

const secondMs = 1000;

/**
 * Seconds without a record that are not counted as a gap: a scrape takes up to 3 s, and the next may fail. The collector
 * fills them with what it saw thereafter.
 */
export const largestGapMs = 5000;

/** An empty history for windows of up to `windowMs`. */
export function createLoadHistory(windowMs: number): LoadHistory {
  const records: LoadRecord[] = [];
  let keptMs = windowMs;

  const trim = () => {
    const oldest = (records.at(-1)?.[0] ?? 0) - keptMs - secondMs;
    let stale = 0;
    while (stale < records.length && records[stale]![0] < oldest) stale++;
    if (stale > 0) records.splice(0, stale);
  };
  /** The position of the second, or where it would have to be. */
  const positionOf = (second: number): number => {
    let position = records.length;
    while (position > 0 && records[position - 1]![0] >= second) position--;
    return position;
  };
  const put = (record: LoadRecord, combine: (before: LoadRecord) => LoadRecord) => {
    const position = positionOf(record[0]);
    const before = records[position];
    if (before?.[0] === record[0]) records[position] = combine(before);
    else records.splice(position, 0, record);
  };

  return {
    add(atMs, load) {
      const second = Math.floor(atMs / secondMs) * secondMs;
      const record: LoadRecord = load ? [second, load.concurrency, load.requests] : [second];
      put(record, (before) => sumOf(before, record));
      trim();
    },
    merge(others) {
      for (const record of others) put(record, (before) => before);
      trim();
    },
    fillGaps() {
      for (let position = records.length - 1; position > 0; position--) {
        const [later, ...load] = records[position]!;
        const earlier = records[position - 1]![0];
        if (later - earlier > largestGapMs + secondMs) continue;
        for (let second = later - secondMs; second > earlier; second -= secondMs) {
          records.splice(position, 0, [second, ...load] as LoadRecord);
        }
      }
    },
    replace(others) {
      for (const record of others) put(record, () => record);
      trim();
    },
    records: () => records,
    from: (atMs) => records.slice(positionOf(atMs)),
    lastMs: () => records.at(-1)?.[0],
    unbrokenSinceMs() {
      let since = records.at(-1)?.[0];
      for (let position = records.length - 2; position >= 0 && since !== undefined; position--) {
        const earlier = records[position]![0];
        if (since - earlier > largestGapMs + secondMs) break;
        since = earlier;
      }
      return since;
    },
    windowMs: () => keptMs,
    resize(windowMs) {
      keptMs = windowMs;
      trim();
    },
  };
}

function sumOf(a: LoadRecord, b: LoadRecord): LoadRecord {
  if (a.length === 1) return b;
  return b.length === 1 ? a : [a[0], a[1] + b[1], a[2] + b[2]];
}
