import type { CancelTimer, Clock } from "../../lib/clock.ts";
import { startTicker } from "../../lib/ticker.ts";
import { steadyTime } from "../steady-time.ts";
import type { Connect, Link } from "./link.ts";
import type { KeyMemory, Standby } from "./memory.ts";
import { encodeMemoryMessage } from "./memory-message.ts";
import type { Succession } from "./succession.ts";

export interface ReplicationConfig {
  readonly owns: (key: string) => boolean;
  /** The other replicas that take part now. */
  readonly peers: () => readonly { readonly address: string }[];
  readonly succession: Succession;
  readonly standby: Standby;
  readonly connect: Connect;
  readonly clock: Clock;
}

export interface Replication {
  /** Tells what is new at once. */
  flush(): void;
  close(): void;
}

interface PeerLink {
  readonly link: Link;
  /** Whether it was told everything since its connection stands. */
  isCurrent: boolean;
}

/** What was last told of a key. */
interface Told {
  readonly recordMs: number;
  readonly decider: string;
  readonly decisionMs: number;
}

const intervalMs = 1000;
/** Memories in one message: about 1.5 kB each, where a replica is told everything. */
const batchSize = 200;
const decisionsPassedOn = 8;

/** The path at which replicas tell each other what they remember. */
export const memoryPath = "/memory";

/**
 * Tells every other replica, each second, what came to the keys that are worked on here; a replica that was not there
 * before is told everything. Keys that are no longer ours are let go of here.
 */
export function startReplication(config: ReplicationConfig): Replication {
  const { owns, peers, succession, standby, connect, clock } = config;
  const now = steadyTime(clock);
  const links = new Map<string, PeerLink>();
  let told = new Map<string, Told>();

  const send = (peer: PeerLink, memories: readonly (readonly [string, KeyMemory])[]): boolean => {
    for (let at = 0; at < memories.length; at += batchSize) {
      const text = encodeMemoryMessage({ type: "memories", memories: memories.slice(at, at + batchSize) });
      if (!peer.link.send(text)) return false;
    }
    return true;
  };

  const everything = (): (readonly [string, KeyMemory])[] =>
    [...new Set([...succession.keys(), ...standby.keys()])].flatMap((key) => {
      const memory = succession.memoryOf(key) ?? standby.recall(key);
      if (!memory) return [];
      return [[key, { ...memory, decisions: memory.decisions?.slice(-decisionsPassedOn) ?? [] }] as const];
    });

  const tellAll = (peer: PeerLink) => {
    peer.isCurrent = peer.link.send(encodeMemoryMessage({ type: "hello", nowMs: now() })) && send(peer, everything());
  };

  const followPeers = () => {
    const addresses = new Set(peers().map(({ address }) => address));
    for (const [address, { link }] of links) {
      if (addresses.has(address)) continue;
      link.close();
      links.delete(address);
    }
    for (const address of addresses) {
      if (links.has(address)) continue;
      const peer: PeerLink = {
        link: connect(`ws://${address}${memoryPath}`, () => tellAll(peer)),
        isCurrent: false,
      };
      links.set(address, peer);
    }
  };

  /** What is new of a key. */
  const newsOf = (key: string, next: Map<string, Told>): KeyMemory | undefined => {
    const before = told.get(key);
    const memory = succession.memoryOf(key, before?.recordMs);
    if (!memory) return undefined;
    const { windowMs, records, decider, decisions = [] } = memory;
    const deciderText = JSON.stringify(decider) ?? "";
    const fresh = decisions.filter(({ firstAtMs }) => before === undefined || firstAtMs > before.decisionMs);
    next.set(key, {
      recordMs: records.at(-1)?.[0] ?? before?.recordMs ?? 0,
      decider: deciderText,
      decisionMs: decisions.at(-1)?.firstAtMs ?? before?.decisionMs ?? 0,
    });
    const isNews = deciderText !== before?.decider || records.at(-1)?.[0] !== before?.recordMs || fresh.length > 0;
    if (!isNews) return undefined;
    return {
      windowMs,
      records,
      ...(decider && deciderText !== before?.decider && { decider }),
      ...(fresh.length > 0 && { decisions: fresh }),
    };
  };

  const tick = () => {
    followPeers();
    const lost = succession.keys().filter((key) => !owns(key));
    const parting = lost.flatMap((key) => {
      const memory = succession.memoryOf(key);
      succession.letGo(key);
      return memory ? [[key, memory] as const] : [];
    });
    const next = new Map<string, Told>();
    const news = succession.keys().flatMap((key) => {
      const memory = newsOf(key, next);
      return memory ? [[key, memory] as const] : [];
    });
    told = next;
    for (const peer of links.values()) {
      if (peer.isCurrent) peer.isCurrent = send(peer, [...parting, ...news]);
      else tellAll(peer);
    }
  };
  const stop: CancelTimer = startTicker(clock, intervalMs, tick);

  return {
    flush: tick,
    close() {
      stop();
      for (const { link } of links.values()) link.close();
      links.clear();
    },
  };
}
