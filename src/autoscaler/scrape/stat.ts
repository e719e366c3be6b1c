/** What a pod's queue-proxy saw during its last second (or, summed up, what all pods of a revision saw). */
export interface Stat {
  readonly podName: string;
  readonly averageConcurrentRequests: number;
  readonly averageProxiedConcurrentRequests: number;
  readonly requestCount: number;
  readonly proxiedRequestCount: number;
  /** Seconds since the queue-proxy started. */
  readonly processUptime: number;
}

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

/**
 * Decodes the protobuf message `Stat` (fields 1 to 7; unknown fields are skipped). Throws StatError on malformed bytes
 * and on negative or non-finite numbers. Source: serving v0.42.2 pkg/autoscaler/metrics/stat.proto.
 */
export function decodeStat(bytes: Uint8Array): Stat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stat = {
    podName: "",
    averageConcurrentRequests: 0,
    averageProxiedConcurrentRequests: 0,
    requestCount: 0,
    proxiedRequestCount: 0,
    processUptime: 0,
  };
  let at = 0;
  const need = (count: number) => {
    if (at + count > bytes.length) throw new StatError(`stat message ends in the middle of a field (byte ${at})`);
  };
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      need(1);
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new StatError("stat message has an endless varint");
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        varint();
        break;
      case 1: {
        need(8);
        const name = doubles[field];
        if (name) stat[name] = plausible(name, view.getFloat64(at, true));
        at += 8;
        break;
      }
      case 2: {
        const length = varint();
        need(length);
        if (field === 1) stat.podName = Buffer.from(bytes.subarray(at, at + length)).toString("utf8");
        at += length;
        break;
      }
      case 5:
        need(4);
        at += 4;
        break;
      default:
        throw new StatError(`stat message has a field of unknown wire type ${tag % 8}`);
    }
  }
  return stat;
}

function plausible(name: string, value: number): number {
  if (!Number.isFinite(value) || value < 0) throw new StatError(`stat message says ${name} = ${value}`);
  return value;
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
