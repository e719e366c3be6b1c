import type { RecordedDecision } from "../explain/decision-ring.ts";
import { mostPlausible } from "../scrape/stat.ts";
import type { LoadRecord } from "../windows/load-history.ts";
import type { KeyMemory } from "./memory.ts";

/** What replicas tell each other, as JSON: first who speaks and what time it has, then memories of revisions. */
export type MemoryMessage =
  | { readonly type: "hello"; readonly nowMs: number }
  | { readonly type: "memories"; readonly memories: readonly (readonly [key: string, memory: KeyMemory])[] };

/** A message that no replica sends. */
export class MemoryMessageError extends Error {}

export function encodeMemoryMessage(message: MemoryMessage): string {
  return JSON.stringify(message);
}

/**
 * Reads a message; times are moved by `offsetMs`, the difference of the two replicas' clocks. Load of times after `nowMs`
 * and beyond all reason is refused: anybody may connect. Throws MemoryMessageError.
 */
export function decodeMemoryMessage(text: string, offsetMs: number, nowMs: number): MemoryMessage {
  let message: MemoryMessage;
  try {
    message = JSON.parse(text);
  } catch (cause) {
    throw new MemoryMessageError("not JSON", { cause });
  }
  if (message?.type === "hello" && Number.isFinite(message.nowMs)) return message;
  if (message?.type !== "memories" || !Array.isArray(message.memories)) throw new MemoryMessageError("unknown message");
  return {
    type: "memories",
    memories: message.memories.map((entry: unknown) => {
      const [key, memory] = Array.isArray(entry) ? entry : [];
      return [keyFrom(key), moved(memory, offsetMs, nowMs)];
    }),
  };
}

function keyFrom(key: unknown): string {
  if (typeof key === "string" && key.length <= 512 && key.includes("/")) return key;
  throw new MemoryMessageError("a memory without the key of a revision");
}

function moved(memory: KeyMemory, offsetMs: number, nowMs: number): KeyMemory {
  const { windowMs, records, decider, decisions } = memory ?? {};
  if (!isAmount(windowMs) || !Array.isArray(records)) throw new MemoryMessageError("a memory without load");
  if (records.length > mostRecords) throw new MemoryMessageError("more seconds of load than any window has");
  return {
    windowMs: Math.min(windowMs, longestWindowMs),
    records: records.map((record) => movedRecord(record, offsetMs, nowMs)),
    ...(decider && { decider: movedDecider(decider, offsetMs) }),
    ...(Array.isArray(decisions) && { decisions: decisions.slice(-mostDecisions).map(decisionFrom) }),
  };
}

const longestWindowMs = 3_600_000;
const mostRecords = longestWindowMs / 1000 + 2;
const mostDecisions = 32;
/** How far the clocks of two replicas may drift apart while a connection stands. */
const aheadMs = 5000;

function movedRecord(record: LoadRecord, offsetMs: number, nowMs: number): LoadRecord {
  if (!Array.isArray(record) || !record.every(isAmount)) {
    throw new MemoryMessageError("a second of load that is no numbers");
  }
  const [atMs, concurrency, requests] = record;
  if (atMs + offsetMs > nowMs + aheadMs) throw new MemoryMessageError("load of a time that is to come");
  if ((concurrency ?? 0) > mostPlausible || (requests ?? 0) > mostPlausible) {
    throw new MemoryMessageError("more load than any pod bears");
  }
  // Seconds are told: rounded down, a difference of -0.1 ms would move them by a whole one.
  const second = Math.round((atMs + offsetMs) / 1000) * 1000;
  return concurrency === undefined || requests === undefined ? [second] : [second, concurrency, requests];
}

function movedDecider({ state, desiredScale, isPartial }: NonNullable<KeyMemory["decider"]>, offsetMs: number) {
  const { panicSinceMs, maxPanicPods, delay } = state ?? {};
  if (!Number.isInteger(desiredScale) || !isAmount(maxPanicPods)) {
    throw new MemoryMessageError("a decider without scale");
  }
  if (delay && !(isAmount(delay.windowMs) && delay.granularityMs >= 1000 && areCandidates(delay.candidates))) {
    throw new MemoryMessageError("a delay that is no window");
  }
  const steps = delay ? Math.round(offsetMs / delay.granularityMs) : 0;
  return {
    desiredScale,
    ...(isPartial === true && { isPartial }),
    state: {
      panicSinceMs: isAmount(panicSinceMs) ? panicSinceMs + offsetMs : undefined,
      maxPanicPods,
      delay: delay && {
        ...delay,
        candidates: delay.candidates.map(({ index, value }) => ({ index: index + steps, value })),
      },
    },
  };
}

function areCandidates(candidates: unknown): boolean {
  return Array.isArray(candidates) && candidates.every((one) => isAmount(one?.index) && isAmount(one?.value));
}

const spec: Readonly<Record<string, "number" | "string" | "boolean">> = {
  maxScaleUpRate: "number",
  maxScaleDownRate: "number",
  scalingMetric: "string",
  targetValue: "number",
  totalValue: "number",
  targetBurstCapacity: "number",
  activatorCapacity: "number",
  panicThreshold: "number",
  stableWindowMs: "number",
  scaleDownDelayMs: "number",
  initialScale: "number",
  reachable: "boolean",
  activationScale: "number",
};
const decision = {
  firstAtMs: "number",
  times: "number",
  explanation: {
    atMs: "number",
    before: "number",
    want: "number",
    desiredPods: "number",
    excessBurstCapacity: "number",
    readyPods: "number",
    stableValue: "number",
    panicValue: "number",
    mode: "string",
    rule: "string",
    advisedBy: "string",
    asked: { stable: "number", panic: "number" },
    rates: { least: "number", most: "number" },
    bounds: { min: "number", max: "number" },
    spec,
  },
} as const;

interface Shape {
  readonly [field: string]: "number" | "string" | "boolean" | Shape;
}

function decisionFrom(value: unknown): RecordedDecision {
  if (hasShape(value, decision)) return value as RecordedDecision;
  throw new MemoryMessageError("a decision without its reasons");
}

function hasShape(value: unknown, shape: Shape): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(shape).every(([field, kind]) => {
    const part = (value as Record<string, unknown>)[field];
    return typeof kind === "object" ? hasShape(part, kind) : typeof part === kind;
  });
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
