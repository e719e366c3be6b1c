import { DurationError, parseDuration } from "../../lib/duration.ts";
import { type LoadPoint, longestMs, RecordingError } from "./recording.ts";

/** What is at a place of a file: `complain` throws a RecordingError that names the place. */
export interface Place {
  readonly value: unknown;
  complain(problem: string): never;
}

/** Makes a Place's `complain`. */
export function complaint(where: string, path: string): (problem: string) => never {
  return (problem) => {
    throw new RecordingError(`${where}: ${path ? `${path}: ` : ""}${problem}`);
  };
}

/** A number that is not negative. */
function amount({ value, complain }: Place): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number) || number < 0) {
    return complain(`${show(value)} is not a number of at least 0`);
  }
  return number > 1e12 ? complain(`${show(value)} is too large`) : number;
}

export function wholeAmount(place: Place): number {
  const number = amount(place);
  return Number.isInteger(number) ? number : place.complain(`${show(place.value)} is not a whole number`);
}

/** A duration such as 90s or 1m30s, or a number of seconds; in milliseconds. */
export function duration(place: Place): number {
  const { value, complain } = place;
  if (typeof value === "number" || (typeof value === "string" && /^[\d.]+$/.test(value))) {
    return within(amount(place) * 1000, place);
  }
  try {
    return within(parseDuration(String(value)), place);
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    return complain(`${show(value)} is no duration: write a number of seconds, or 90s, 5m, 1h30m`);
  }
}

/** A time: as a duration since the beginning, or as a date (2024-01-31T12:00:00Z); in milliseconds. */
export function time(place: Place): number {
  const { value } = place;
  if (value instanceof Date || (typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value))) {
    const atMs = value instanceof Date ? value.getTime() : Date.parse(value);
    return Number.isNaN(atMs) ? place.complain(`${show(value)} is no date`) : atMs;
  }
  return duration(place);
}

/** One row of a series: its time and at least one of its two loads. */
export function loadPoint(fields: Readonly<Record<"time" | "concurrency" | "rps", Place>>, row: Place): LoadPoint {
  const { concurrency, rps } = fields;
  const given = ({ value }: Place) => value !== undefined && value !== null && value !== "";
  if (!given(fields.time)) return row.complain("has no time");
  if (!given(concurrency) && !given(rps)) return row.complain("has neither concurrency nor rps");
  return {
    atMs: time(fields.time),
    ...(given(concurrency) && { concurrency: amount(concurrency) }),
    ...(given(rps) && { rps: amount(rps) }),
  };
}

/** Points with times that begin at 0. They must be in order. */
export function series(rows: readonly { readonly point: LoadPoint; readonly place: Place }[]): LoadPoint[] {
  const startMs = rows[0]?.point.atMs ?? 0;
  return rows.map(({ point, place }, index) => {
    const before = rows[index - 1]?.point;
    if (before && point.atMs <= before.atMs) place.complain("is not later than the one before");
    const atMs = point.atMs - startMs;
    if (atMs > longestMs) place.complain("is more than 7 days after the first one");
    for (const metric of ["concurrency", "rps"] as const) {
      if ((point[metric] === undefined) !== (rows[0]!.point[metric] === undefined)) {
        place.complain(`${point[metric] === undefined ? "lacks" : "has"} ${metric}, unlike the first one`);
      }
    }
    return { ...point, atMs };
  });
}

function within(ms: number, { value, complain }: Place): number {
  if (ms < 0) return complain(`${show(value)} is negative`);
  return ms > 1e15 ? complain(`${show(value)} is too long`) : ms;
}

export function show(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? "nothing");
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
