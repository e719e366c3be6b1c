import type { RecordedDecision } from "../explain/decision-ring.ts";
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

/** Reads a message; times are moved by `offsetMs`, the difference of the two replicas' clocks. Throws MemoryMessageError. */
export function decodeMemoryMessage(text: string, offsetMs: number): MemoryMessage {
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
    memories: message.memories.map(([key, memory]) => [text256(key), moved(memory, offsetMs)]),
  };
}

function text256(key: unknown): string {
  if (typeof key === "string" && key.length <= 512 && key.includes("/")) return key;
  throw new MemoryMessageError("a memory without the key of a revision");
}

function moved(memory: KeyMemory, offsetMs: number): KeyMemory {
  const { windowMs, records, decider, decisions } = memory ?? {};
  if (!isAmount(windowMs) || !Array.isArray(records)) throw new MemoryMessageError("a memory without load");
  return {
    windowMs: Math.min(windowMs, longestWindowMs),
    records: records.map((record) => movedRecord(record, offsetMs)),
    ...(decider && { decider: movedDecider(decider, offsetMs) }),
    ...(Array.isArray(decisions) && { decisions: (decisions as RecordedDecision[]).slice(-32) }),
  };
}

const longestWindowMs = 3_600_000;

function movedRecord(record: LoadRecord, offsetMs: number): LoadRecord {
  if (!Array.isArray(record) || !record.every((value) => Number.isFinite(value))) {
    throw new MemoryMessageError("a second of load that is no numbers");
  }
  const [atMs, concurrency, requests] = record;
  const second = Math.floor((atMs + offsetMs) / 1000) * 1000;
  return concurrency === undefined || requests === undefined ? [second] : [second, concurrency, requests];
}

function movedDecider({ state, desiredScale }: NonNullable<KeyMemory["decider"]>, offsetMs: number) {
  const { panicSinceMs, maxPanicPods, delay } = state ?? {};
  if (!Number.isInteger(desiredScale) || !isAmount(maxPanicPods))
    throw new MemoryMessageError("a decider without scale");
  const steps = delay ? Math.round(offsetMs / delay.granularityMs) : 0;
  return {
    desiredScale,
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

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
