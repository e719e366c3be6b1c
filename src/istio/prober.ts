import { keyOf } from "../apis/meta.ts";
import type { Ingress } from "../apis/networking/ingress.ts";
import { hashIngress } from "../apis/networking/ingress-hash.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { Probe, ProbeAnswer } from "./probe.ts";
import type { ProbeTarget } from "./probe-targets.ts";

/** Finds out whether the gateways serve an Ingress as it is now. */
export interface Prober {
  /**
   * Whether every pod of every gateway has shown that it serves this state of the Ingress. Where that is not known yet
   * it is found out, and `onProven` is called then. Throws what `targetsOf` throws.
   */
  isProven(ingress: Ingress): boolean;
  /** Stops asking about an Ingress that is gone. */
  forget(key: string): void;
}

export interface ProberConfig {
  readonly targetsOf: (ingress: Ingress) => readonly ProbeTarget[];
  /** Whether any Service behind the Ingress has a pod that is ready. */
  readonly hasBackends: (ingress: Ingress) => boolean;
  readonly probe: Probe;
  readonly onProven: (key: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface Campaign {
  readonly hash: string;
  readonly stop: AbortController;
  proven: boolean;
}

/** The gateway needs a moment to hear of a change. */
const firstRoundMs = 20;
const longestPauseMs = 5000;
const probeTimeoutMs = 1000;
const mostAtOnce = 50;
/** A revision without pods cannot answer; after so long the gateway's word that it knows the route has to do. */
const patienceMs = 10_000;

/**
 * Probes in rounds with growing pauses; every round asks who the gateways' pods are just then, so that those that come
 * and go are neither missed nor waited for. Source: knative.dev/networking pkg/status, as serving v0.42.2 requires it.
 */
export function createProber(config: ProberConfig): Prober {
  const { clock, log, signal } = config;
  const campaigns = new Map<string, Campaign>();
  const limit = limiter(mostAtOnce);

  const ask = async (target: ProbeTarget, stop: AbortSignal): Promise<ProbeAnswer> => {
    const timeout = new AbortController();
    const cancel = clock.setTimer(probeTimeoutMs, () => timeout.abort(new Error(`no answer in ${probeTimeoutMs} ms`)));
    try {
      return await config.probe(target, AbortSignal.any([stop, timeout.signal]));
    } finally {
      cancel();
    }
  };

  const prove = async (ingress: Ingress, campaign: Campaign): Promise<void> => {
    const stop = AbortSignal.any([signal, campaign.stop.signal]);
    const startedAt = clock.monotonic();
    const proven = new Set<string>();
    const isEnough = (answer: ProbeAnswer) =>
      judge(answer, campaign.hash) ||
      (isWithoutPods(answer) && !config.hasBackends(ingress) && clock.monotonic() - startedAt >= patienceMs);

    for (let pauseMs = firstRoundMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      await clock.sleep(pauseMs, stop);
      const left = config.targetsOf(ingress).filter((target) => !proven.has(idOf(target)));
      await Promise.all(
        left.map((target) =>
          limit(async () => {
            try {
              const answer = await ask(target, stop);
              if (isEnough(answer)) proven.add(idOf(target));
              else
                log.debug("The gateway does not serve the Ingress yet", {
                  ...target,
                  ...answer,
                  ingress: keyOf(ingress),
                });
            } catch (error) {
              log.debug("The gateway did not answer a probe", { ...target, error, ingress: keyOf(ingress) });
            }
          }),
        ),
      );
      if (left.every((target) => proven.has(idOf(target)))) return;
    }
  };

  return {
    isProven(ingress) {
      const key = keyOf(ingress);
      const hash = hashIngress(ingress);
      const current = campaigns.get(key);
      if (current?.hash === hash) return current.proven;
      current?.stop.abort();
      const proven = config.targetsOf(ingress).length === 0;
      const campaign: Campaign = { hash, stop: new AbortController(), proven };
      campaigns.set(key, campaign);
      if (proven) return true;
      prove(ingress, campaign).then(
        () => {
          campaign.proven = true;
          config.onProven(key);
        },
        (error) => {
          if (signal.aborted || campaign.stop.signal.aborted) return;
          log.error("Probing the gateways failed; the next look at the Ingress starts anew", { error, ingress: key });
          campaigns.delete(key);
          config.onProven(key);
        },
      );
      return false;
    },
    forget(key) {
      campaigns.get(key)?.stop.abort();
      campaigns.delete(key);
    },
  };
}

/**
 * Whether an answer ends the asking. 404 and 503 are what a gateway says that has not heard of the route; any other
 * answer but the wrong hash comes from an application that we cannot make speak, and better too early than never.
 */
function judge({ status, hash }: ProbeAnswer, expected: string): boolean {
  if (status === 200) return !hash || hash === expected;
  return status !== 404 && status !== 503;
}

function isWithoutPods({ status, text }: ProbeAnswer): boolean {
  return status === 503 && text.includes("no healthy upstream");
}

function idOf({ scheme, address, port }: ProbeTarget): string {
  return `${scheme} ${address} ${port}`;
}

/** Runs at most `most` at a time, in the order of the calls. */
function limiter(most: number): (run: () => Promise<void>) => Promise<void> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
