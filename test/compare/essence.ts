import { rolloutAnnotation } from "../../src/apis/networking/labels.ts";
import type { Loose } from "../walks/world.ts";

/** An answer as `npm run answer` and programs like it give it. */
export interface Answer {
  readonly ok: boolean;
  readonly result?: Loose;
  /** The program itself failed. */
  readonly panic?: string;
}

/**
 * What is to be equal in an answer: without what Go leaves out or adds where nothing is, the order that upstream leaves
 * to chance (of writes to several objects, of the names in the annotation of routes), the times of a rollout, which go
 * by upstream's own clock, and the words of Go's JSON decoder.
 */
export function essenceOf(op: string, { ok, result }: Answer): Loose {
  if (!ok) return { refused: true };
  if (op !== "admit") return normal(result);
  const { allowed, message, object, validate } = result;
  return normal({ allowed, message, object: allowed ? object : undefined, warnings: validate?.warnings });
}

/** A value in the form in which it is compared. */
export function normal(value: unknown, name = ""): Loose {
  if (typeof value === "string") return normalText(value, name);
  // Go and V8 round the last digits of an average differently.
  if (typeof value === "number") return Math.round(value * 1e9) / 1e9;
  if (Array.isArray(value)) {
    const parts = value.map((part) => normal(part));
    return name === "actions" ? sorted(parts) : parts;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) => [key, normal(field, key)] as const);
  return Object.fromEntries(entries.filter(([, field]) => !isNothing(field)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function normalText(text: string, name: string): string {
  if (name === "serving.knative.dev/routes") return text.split(",").sort().join(",");
  if (name === rolloutAnnotation) return text.replace(/"(starttime|nextStepTime|stepDuration)":\d+/g, '"$1":0');
  return text.replace(/json: .*$/s, "json: …");
}

/** Writes in an order that does not depend on that in which they were made. */
export function sorted(actions: Loose[]): Loose[] {
  const idOf = ({ resource, name, verb, subresource = "" }: Loose) => `${resource} ${name} ${verb} ${subresource}`;
  return [...actions].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
