import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import type { MetricCollector } from "../metric/collector.ts";
import type { MultiScaler } from "../multi-scaler.ts";
import { type Connect, createLinks } from "./link.ts";
import { createStandby, type Standby } from "./memory.ts";
import { createMemoryReceiver } from "./memory-receiver.ts";
import { type Replication, startReplication } from "./replication.ts";
import { createStatRouter, type StatRouter } from "./stat-router.ts";
import { createSuccession } from "./succession.ts";

/** How this replica sees the others. */
export interface ReplicaView {
  readonly peers: () => readonly { readonly pod: string; readonly address: string }[];
  /** The pod that owns a key. */
  readonly ownerOf: (key: string) => string | undefined;
  /** Makes links to the others; over WebSocket unless told. */
  readonly connect?: Connect;
}

export interface ReplicasConfig extends ReplicaView {
  readonly owns: (key: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** All that replicas of the autoscaler do with each other: pass stats on, and remember for one another. */
export interface Replicas {
  readonly standby: Standby;
  /** Begins, with what is worked on here. */
  start(collector: MetricCollector, multiScaler: MultiScaler): void;
  /** "host:port" of the replica that owns a key, where that is another one. */
  ownerAddress(key: string): string | undefined;
  route: StatRouter["route"];
  /** Returns what takes in the messages of a new connection of another replica. */
  onMemoryLink(): (text: string) => void;
  /** Tells the others what is new at once: before everything is handed over. */
  flush(): void;
  close(): void;
}

/** Creates the replica's side of the traffic among replicas; nothing flows before `start`. */
export function createReplicas(config: ReplicasConfig): Replicas {
  const { peers, ownerOf, owns, clock, log, connect = createLinks(clock, log) } = config;
  const standby = createStandby();
  let router: StatRouter | undefined;
  let replication: Replication | undefined;
  let receiver: (() => (text: string) => void) | undefined;

  const ownerAddress = (key: string): string | undefined => {
    const owner = ownerOf(key);
    return peers().find(({ pod }) => pod === owner)?.address;
  };

  return {
    standby,
    start(collector, multiScaler) {
      const succession = createSuccession(collector, multiScaler, standby, owns);
      replication = startReplication({ owns, peers, succession, standby, connect, clock });
      receiver = createMemoryReceiver(succession, clock, log);
      router = createStatRouter({
        owns,
        ownerAddress,
        accept(key, stat, ageMs) {
          collector.record(key, stat, ageMs);
          if (stat.averageConcurrentRequests > 0) multiScaler.poke(key);
        },
        connect,
        clock,
        log,
      });
    },
    ownerAddress,
    route: (stats, passedOn) => router?.route(stats, passedOn),
    onMemoryLink: () => receiver?.() ?? (() => {}),
    flush: () => replication?.flush(),
    close() {
      replication?.close();
      router?.close();
    },
  };
}
