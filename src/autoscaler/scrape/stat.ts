import { bytesField, doubleField, ProtobufError, type ProtobufField, readFields, varintField } from "./protobuf.ts";

/** What a pod's queue-proxy saw during its last second (or, summed up, what all pods of a revision saw). */
export interface Stat {
  readonly podName: string;
  readonly averageConcurrentRequests: number;
  readonly averageProxiedConcurrentRequests: number;
  readonly requestCount: number;
  readonly proxiedRequestCount: number;
  /** Seconds since the queue-proxy started. */
  readonly processUptime: number;
  /** Unix seconds when it was first received, where it was passed on. */
  readonly timestampSeconds?: number;
}

/** What a pod says that nobody asked anything of. */
export const emptyStat: Stat = {
  podName: "",
  averageConcurrentRequests: 0,
  averageProxiedConcurrentRequests: 0,
  requestCount: 0,
  proxiedRequestCount: 0,
  processUptime: 0,
};

export const mimeType = "application/protobuf";
/** Longer answers are not a Stat. Source: serving v0.42.2 pkg/autoscaler/metrics statFromProto. */
export const maxStatBytes = 6 * 10 + 256 + 20;

const doubles = [
  undefined,
  undefined,
  "averageConcurrentRequests",
  "averageProxiedConcurrentRequests",
  "requestCount",
  "proxiedRequestCount",
  "processUptime",
] as const;

/** A message that is not a Stat, or carries numbers that no load can have. */
export class StatError extends Error {}

/** No pod handles so much; where such numbers were added up, small ones would be lost in them. */
export const mostPlausible = 1e9;

/**
 * Decodes the protobuf message `Stat` (fields 1 to 7; unknown fields are skipped). Throws StatError on malformed bytes
 * and on numbers that are negative, not finite or beyond all reason.
 * Source: serving v0.42.2 pkg/autoscaler/metrics/stat.proto.
 */
export function decodeStat(bytes: Uint8Array): Stat {
  const stat = { ...emptyStat, timestampSeconds: 0 };
  for (const field of fieldsOf(bytes)) {
    const name = doubles[field.number];
    if (field.type === "double" && name) stat[name] = plausible(name, field.value);
    if (field.type === "varint" && field.number === 7) stat.timestampSeconds = field.value;
    if (field.type === "bytes" && field.number === 1) stat.podName = Buffer.from(field.value).toString("utf8");
  }
  return stat;
}

/** The fields of a message that should be about stats. Throws StatError on malformed bytes. */
export function* fieldsOf(bytes: Uint8Array): Generator<ProtobufField> {
  try {
    yield* readFields(bytes);
  } catch (error) {
    if (error instanceof ProtobufError) throw new StatError(`no stat: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Encodes the protobuf message `Stat`. */
export function encodeStat(stat: Stat): Uint8Array {
  const parts = [
    ...(stat.podName ? [bytesField(1, stat.podName)] : []),
    ...doubles.flatMap((name, number) => (name ? [doubleField(number, stat[name])] : [])),
    varintField(7, stat.timestampSeconds ?? 0),
  ];
  return Buffer.concat(parts);
}

function plausible(name: string, value: number): number {
  if (value >= 0 && value <= mostPlausible) return value;
  throw new StatError(`stat message says ${name} = ${value}`);
}

/** Sums up `stats`, a sample, and scales the sum to the whole population. `stats` must not be empty. */
export function extrapolate(stats: readonly Stat[], population: number): Stat {
  const factor = (sum: number) => (sum / stats.length) * population;
  const total = (value: (stat: Stat) => number) => factor(stats.reduce((sum, stat) => sum + value(stat), 0));
  return {
    podName: "service-scraper",
    averageConcurrentRequests: total((stat) => stat.averageConcurrentRequests),
    averageProxiedConcurrentRequests: total((stat) => stat.averageProxiedConcurrentRequests),
    requestCount: total((stat) => stat.requestCount),
    proxiedRequestCount: total((stat) => stat.proxiedRequestCount),
    processUptime: 0,
  };
}
