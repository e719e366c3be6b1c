import type { KubeObject } from "../apis/meta.ts";
import type { ControllerContext } from "../kube/controller.ts";
import { silentLogger } from "../lib/log.ts";
import { type FakeClient, fakeClient, type Induce } from "./fake-client.ts";
import { type FakeClock, fakeClock } from "./fake-clock.ts";
import { type FakeInformers, fakeInformers } from "./fake-informers.ts";

/** A controller's context made of fakes, and the means to make things happen. */
export interface FakeContext<Config> extends ControllerContext<Config> {
  readonly client: FakeClient;
  readonly informers: FakeInformers;
  readonly clock: FakeClock;
  setConfig(config: Config): void;
  /** Which keys are ours from now on; all unless told. */
  setOwned(owns: (key: string) => boolean): void;
  /** Ends the controllers. */
  stop(): void;
}

/** Creates a context whose API server and caches hold `objects`; the caches do not follow writes by themselves. */
export function fakeContext<Config>(
  config: Config,
  objects: readonly KubeObject[] = [],
  induce: readonly Induce[] = [],
): FakeContext<Config> {
  const stopping = new AbortController();
  const configHandlers = new Set<(config: Config) => void>();
  const gainedHandlers = new Set<() => void>();
  let current = config;
  let owns = (_key: string) => true;
  return {
    client: fakeClient(objects, induce),
    informers: fakeInformers(objects),
    clock: fakeClock(),
    log: silentLogger,
    signal: stopping.signal,
    config: {
      current: () => current,
      onChange(handler) {
        configHandlers.add(handler);
        return () => configHandlers.delete(handler);
      },
      synced: Promise.resolve(),
    },
    ownership: {
      owns: (key) => owns(key),
      onGained(handler) {
        gainedHandlers.add(handler);
        return () => gainedHandlers.delete(handler);
      },
    },
    setConfig(config) {
      current = config;
      for (const handler of configHandlers) handler(config);
    },
    setOwned(owned) {
      owns = owned;
      for (const handler of gainedHandlers) handler();
    },
    stop: () => stopping.abort(new Error("the test is over")),
  };
}
