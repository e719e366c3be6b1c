import { bytesField } from "../scrape/protobuf.ts";
import { decodeStat, encodeStat, fieldsOf, type Stat, StatError } from "../scrape/stat.ts";

/** A Stat and the revision, "namespace/name", that it is about. */
export interface KeyedStat {
  readonly key: string;
  readonly stat: Stat;
}

/**
 * Decodes the protobuf message `WireStatMessages`, which activators and other replicas send. Messages without a Stat,
 * and those with implausible numbers, are left out and counted. Throws StatError on malformed bytes.
 * Source: serving v0.42.2 pkg/autoscaler/metrics/stat.proto.
 */
export function decodeWireStats(bytes: Uint8Array): { readonly stats: readonly KeyedStat[]; readonly refused: number } {
  const stats: KeyedStat[] = [];
  let refused = 0;
  for (const field of fieldsOf(bytes)) {
    if (field.number !== 1 || field.type !== "bytes") continue;
    let namespace = "";
    let name = "";
    let encoded: Uint8Array | undefined;
    for (const part of fieldsOf(field.value)) {
      if (part.type !== "bytes") continue;
      if (part.number === 1) namespace = Buffer.from(part.value).toString("utf8");
      if (part.number === 2) name = Buffer.from(part.value).toString("utf8");
      if (part.number === 3) encoded = part.value;
    }
    if (!encoded) continue;
    try {
      stats.push({ key: `${namespace}/${name}`, stat: decodeStat(encoded) });
    } catch (error) {
      if (!(error instanceof StatError)) throw error;
      refused += 1;
    }
  }
  return { stats, refused };
}

/** Encodes the protobuf message `WireStatMessages`. */
export function encodeWireStats(stats: readonly KeyedStat[]): Uint8Array {
  return Buffer.concat(
    stats.map(({ key, stat }) => {
      const slash = key.indexOf("/");
      const parts = [
        bytesField(1, key.slice(0, slash)),
        bytesField(2, key.slice(slash + 1)),
        bytesField(3, encodeStat(stat)),
      ];
      return bytesField(1, Buffer.concat(parts));
    }),
  );
}
