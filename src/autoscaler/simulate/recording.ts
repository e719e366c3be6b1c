/** A moment of a load series: what was asked of the revision from `atMs` on. */
export interface LoadPoint {
  /** Milliseconds since the first point. */
  readonly atMs: number;
  /** Requests under way at once, over all pods. */
  readonly concurrency?: number;
  /** Requests begun per second, over all pods. */
  readonly rps?: number;
}

/** What an autoscaler decided in truth, to be shown beside what it would decide. */
export interface RecordedDecision {
  readonly atMs: number;
  readonly desiredPods: number;
  readonly readyPods: number;
}

/** Settings to try, by the names that annotations and config-autoscaler have for them; values as texts. */
export interface Setting {
  readonly name: string;
  readonly values: Readonly<Record<string, string>>;
}

/** A load series with what to try on it. */
export interface Recording {
  readonly points: readonly LoadPoint[];
  /** Between two points the load stays ("step") or changes evenly ("linear"). */
  readonly interpolation: "step" | "linear";
  /** When the simulation ends. */
  readonly untilMs: number;
  /** How long one request takes: turns rps into concurrency, and back. */
  readonly requestTimeMs: number | undefined;
  /** Pods that are ready at the beginning; absent: as many as a new revision begins with. */
  readonly startPods: number | undefined;
  /** What holds for every setting that does not say otherwise. */
  readonly base: Readonly<Record<string, string>>;
  readonly settings: readonly Setting[];
  readonly recorded: readonly RecordedDecision[];
}

/** A load series that cannot be used: says where, what, and what would be right. */
export class RecordingError extends Error {}

/** The load after the last point of a series, so that its effect is still seen. */
const tailMs = 60_000;
export const longestMs = 7 * 24 * 3_600_000;
export const mostPoints = 200_000;
export const mostSettings = 8;

/** The end of a series that does not tell its end. */
export function defaultEnd(points: readonly LoadPoint[]): number {
  return (points.at(-1)?.atMs ?? 0) + tailMs;
}

/** A series of nothing but points. */
export function recordingOf(points: readonly LoadPoint[], recorded: readonly RecordedDecision[] = []): Recording {
  return {
    points,
    interpolation: "step",
    untilMs: defaultEnd(points),
    requestTimeMs: undefined,
    startPods: recorded[0]?.readyPods,
    base: {},
    settings: [],
    recorded,
  };
}

/**
 * The load at a time, as concurrency or as rps; the one is worked out from the other by the time that a request takes.
 * Throws RecordingError where that is not known.
 */
export function loadAt(recording: Recording, metric: "concurrency" | "rps", atMs: number): number {
  const { points } = recording;
  const next = firstAfter(points, atMs);
  const point = points[Math.max(0, next - 1)]!;
  const value = inMetric(recording, point, metric);
  const following = points[next];
  if (recording.interpolation === "step" || !following || following === point) return value;
  const share = (atMs - point.atMs) / (following.atMs - point.atMs);
  return value + (inMetric(recording, following, metric) - value) * share;
}

function inMetric({ requestTimeMs }: Recording, point: LoadPoint, metric: "concurrency" | "rps"): number {
  const known = point[metric];
  if (known !== undefined) return known;
  if (requestTimeMs === undefined) {
    const other = metric === "rps" ? "concurrency" : "rps";
    throw new RecordingError(
      `the series has only ${other}, and a setting scales by ${metric}: say with request-time (such as 200ms) how long one request takes`,
    );
  }
  return metric === "rps" ? (point.concurrency! * 1000) / requestTimeMs : (point.rps! * requestTimeMs) / 1000;
}

/** The index of the first point after `atMs`. */
function firstAfter(points: readonly LoadPoint[], atMs: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle]!.atMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
