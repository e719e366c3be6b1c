import type { Lease } from "../apis/core/lease.ts";
import type { Kind } from "../apis/kind.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { Client, Informer, Resource, WriteOptions } from "../kube/api.ts";
import { createCache } from "../kube/cache.ts";
import { apiError } from "../kube/errors.ts";
import { type Leases, type LeasesConfig, startLeases } from "../kube/leases.ts";
import { type Clock, sleepWith } from "../lib/clock.ts";
import { silentLogger } from "../lib/log.ts";
import type { FakeClock } from "./fake-clock.ts";

/** A replica in a simulated cluster, and what can befall it. */
export interface Replica {
  readonly pod: string;
  readonly leases: Leases;
  /** Whether it runs at all: neither crashed, stopped nor frozen. */
  running(): boolean;
  /** Whether nothing is wrong with it. */
  healthy(): boolean;
  crash(): void;
  /** Ends in order: gives its buckets up first. */
  stop(): Promise<void>;
  /** Stands still: no timer fires, no answer is seen, until it is thawed. */
  freeze(): void;
  thaw(): void;
  /** Neither requests nor events pass, until it is healed. */
  partition(): void;
  /** Events do not pass, requests do, until it is healed. */
  deafen(): void;
  heal(): void;
}

export interface LeaseWorld {
  readonly stored: ReadonlyMap<string, Lease>;
  /** Requests that reached the API server. */
  requests(): number;
  add(pod: string, overrides?: Partial<LeasesConfig>): Replica;
  /** Somebody deletes a Lease. */
  remove(name: string): void;
  /** Somebody writes a Lease without changing what it says. */
  touch(name: string): void;
}

export interface WorldOptions {
  readonly clock: FakeClock;
  /** 0 to 1: makes delays. */
  readonly random: () => number;
  readonly config: Pick<LeasesConfig, "buckets" | "timing">;
  /** Whether replicas notice each other's crash. */
  readonly peerLinks: boolean;
}

/** An API server that knows Leases only, a network with delays, and replicas with clocks of their own. */
export function createLeaseWorld(options: WorldOptions): LeaseWorld {
  const { clock, random } = options;
  const stored = new Map<string, Lease>();
  const listeners = new Set<(type: "put" | "removed", lease: Lease) => void>();
  const crashListeners = new Map<string, Set<() => void>>();
  let version = 0;
  let instances = 0;
  let requests = 0;

  const delayMs = () => 1 + Math.floor(random() * 30);
  const announce = (type: "put" | "removed", lease: Lease) => {
    for (const listener of listeners) listener(type, lease);
  };

  const put = (lease: Lease, creating: boolean): Lease => {
    const { name, resourceVersion } = lease.metadata;
    const before = stored.get(name);
    if (creating && before) throw apiError(409, "AlreadyExists", `${name} exists`);
    if (!creating && !before) throw apiError(404, "NotFound", `${name} not found`);
    if (!creating && resourceVersion !== before?.metadata.resourceVersion) throw apiError(409, "Conflict", "stale");
    const saved = structuredClone(lease);
    saved.metadata.resourceVersion = String(++version);
    saved.metadata.uid = before?.metadata.uid ?? `uid-${version}`;
    stored.set(name, saved);
    announce("put", saved);
    return structuredClone(saved);
  };
  const remove = (name: string): void => {
    const before = stored.get(name);
    if (!before) throw apiError(404, "NotFound", `${name} not found`);
    stored.delete(name);
    announce("removed", before);
  };

  const add = (pod: string, overrides: Partial<LeasesConfig> = {}): Replica => {
    let state: "running" | "frozen" | "crashed" | "stopped" = "running";
    let link: "up" | "deaf" | "cut" = "up";
    let thawing: (() => void)[] = [];
    let missed: (() => void)[] = [];

    /** Does something inside the replica, if it can. */
    const inside = (happen: () => void) => {
      if (state === "crashed") return;
      if (state === "frozen") thawing.push(happen);
      else happen();
    };
    const own: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      setTimer: (ms, fire) => clock.setTimer(ms, () => inside(fire)),
      sleep: (ms, signal) => sleepWith(own, ms, signal),
    };

    const request = <R>(signal: AbortSignal | undefined, act: () => R): Promise<R> =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) reject(signal.reason);
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        clock.setTimer(delayMs(), () => {
          if (link === "cut" || state === "crashed") return;
          requests += 1;
          let answer: () => void;
          try {
            const result = act();
            answer = () => resolve(result);
          } catch (error) {
            answer = () => reject(error);
          }
          clock.setTimer(delayMs(), () => {
            if (link !== "cut") inside(answer);
          });
        });
      });

    const cache = createCache<Lease>({
      onHandlerError: (error) => {
        throw error;
      },
    });
    for (const lease of stored.values()) cache.put(structuredClone(lease));
    let lastDelivery = 0;
    const listener = (type: "put" | "removed", lease: Lease) => {
      const copy = structuredClone(lease);
      const deliver = () => inside(() => (type === "put" ? cache.put(copy) : cache.remove(copy)));
      // Delays vary, the order does not.
      lastDelivery = Math.max(lastDelivery, clock.monotonic() + delayMs());
      clock.setTimer(lastDelivery - clock.monotonic(), () => {
        if (link === "up" && missed.length === 0) deliver();
        else missed.push(deliver);
      });
    };
    listeners.add(listener);

    const resource = {
      get: (ref: { name: string }, signal?: AbortSignal) =>
        request(signal, () => {
          const found = stored.get(ref.name);
          if (!found) throw apiError(404, "NotFound", `${ref.name} not found`);
          return structuredClone(found);
        }),
      create: (lease: Lease, { signal }: WriteOptions = {}) => request(signal, () => put(lease, true)),
      update: (lease: Lease, { signal }: WriteOptions = {}) => request(signal, () => put(lease, false)),
      delete: (ref: { name: string }, { signal }: WriteOptions = {}) => request(signal, () => remove(ref.name)),
    };
    const informer = { ...cache, synced: Promise.resolve() };
    const instance = `i${instances++}`;
    const leases = startLeases({
      client: { of: <T extends KubeObject>(_: Kind<T>) => resource as unknown as Resource<T> } as Client,
      informers: {
        of: <T extends KubeObject>(_: Kind<T>) => informer as unknown as Informer<T>,
        learn: () => {},
        synced: async () => {},
        done: async () => {},
      },
      namespace: "system",
      component: "controlplane",
      pod,
      instance,
      peerAddress: `${pod}:1`,
      ...(options.peerLinks && {
        peers: {
          watch({ identity }, onGone) {
            const listeners = crashListeners.get(identity) ?? new Set();
            crashListeners.set(identity, listeners);
            const told = () => {
              if (link !== "cut") clock.setTimer(delayMs(), () => inside(onGone));
            };
            listeners.add(told);
            return () => listeners.delete(told);
          },
        },
      }),
      ...options.config,
      ...overrides,
      clock: own,
      log: silentLogger,
    });

    const end = (how: "crashed" | "stopped") => {
      state = how;
      listeners.delete(listener);
      for (const told of crashListeners.get(`${pod}_${instance}`) ?? []) told();
    };
    return {
      pod,
      leases,
      running: () => state === "running",
      healthy: () => state === "running" && link === "up",
      crash() {
        if (state !== "stopped") end("crashed");
      },
      async stop() {
        if (state !== "running") return;
        await leases.release();
        end("stopped");
      },
      freeze() {
        if (state === "running") state = "frozen";
      },
      thaw() {
        if (state !== "frozen") return;
        state = "running";
        const happen = thawing;
        thawing = [];
        for (const event of happen) event();
      },
      partition() {
        link = "cut";
      },
      deafen() {
        link = "deaf";
      },
      heal() {
        link = "up";
        const deliver = missed;
        missed = [];
        for (const event of deliver) event();
      },
    };
  };

  const touch = (name: string): void => {
    put(stored.get(name)!, false);
  };
  return { stored, requests: () => requests, add, remove, touch };
}
