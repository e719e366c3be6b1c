import { Event } from "../apis/core/event.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import { isoTime } from "../lib/iso-time.ts";
import type { Logger } from "../lib/log.ts";
import { untilAborted } from "../lib/until-aborted.ts";
import type { Client, EventRecorder } from "./api.ts";
import { isNotFound } from "./errors.ts";

export interface EventRecorderConfig {
  readonly client: Client;
  /** `source.component` of the events. */
  readonly component: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Shared by the recorders of a program. Without one, no Normal event is left out. */
  readonly budget?: EventBudget;
  readonly signal: AbortSignal;
}

/** Says whether there is room for one more Normal event, and takes it. */
export type EventBudget = () => boolean;

export interface EventRecorders {
  /** The recorder of events about one object. */
  of(object: KubeObject): EventRecorder;
  /** Settles once the signal has aborted and what was being sent is sent. */
  readonly done: Promise<void>;
}

interface Occurrence {
  readonly object: KubeObject;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

/** A stored Event that repeats are counted on. */
interface Counted {
  readonly name: string;
  count: number;
}

/** The messages seen of one object, type and reason. */
interface Family {
  readonly messages: Set<string>;
  lastAtMs: number;
}

const maxPending = 1000;
const maxRemembered = 4096;
const similarMessages = 10;
const similarWindowMs = 600_000;
const spamBurst = 25;
const spamIntervalMs = 300_000;
const budgetBurst = 20;
const budgetPerSecond = 2;

/**
 * The budget of a program: twenty Normal events at once and two a second in the long run. When many objects are made at
 * once, telling what goes well must not compete with the work itself; what goes wrong is always told.
 */
export function createEventBudget(clock: Pick<Clock, "monotonic">): EventBudget {
  let left = budgetBurst;
  let refilledAt = clock.monotonic();
  return () => {
    const now = clock.monotonic();
    left = Math.min(budgetBurst, left + ((now - refilledAt) / 1000) * budgetPerSecond);
    refilledAt = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}

/**
 * Records Events in the background, one request at a time. The same event again raises its count; more than ten
 * messages of one reason within ten minutes become one event; an object that has used up its 25 events gets one more
 * every five minutes. When 1000 wait, further ones are dropped; so are Normal ones beyond the budget. Source: k8s.io/client-go v0.29.2 tools/record.
 */
export function createEventRecorder(config: EventRecorderConfig): EventRecorders {
  const { client, component, clock, log, signal } = config;
  const events = client.of(Event);
  const pending: Occurrence[] = [];
  const counted = new Map<string, Counted>();
  const families = new Map<string, Family>();
  const budgets = new Map<string, { left: number; refilledAtMs: number }>();
  let sending: Promise<void> | undefined;

  const withinBudget = (object: KubeObject, atMs: number): boolean => {
    const id = identityOf(object);
    const budget = budgets.get(id) ?? { left: spamBurst, refilledAtMs: atMs };
    const refill = Math.floor((atMs - budget.refilledAtMs) / spamIntervalMs);
    budget.left = Math.min(spamBurst, budget.left + refill);
    budget.refilledAtMs += refill * spamIntervalMs;
    remember(budgets, id, budget);
    if (budget.left === 0) return false;
    budget.left -= 1;
    return true;
  };

  /** What distinguishes this event from others, and its text: that of its family once that has grown too large. */
  const aggregate = ({ object, type, reason, message, atMs }: Occurrence): { id: string; text: string } => {
    const familyId = `${identityOf(object)} ${type} ${reason}`;
    const known = families.get(familyId);
    const family =
      known && atMs - known.lastAtMs <= similarWindowMs ? known : { messages: new Set<string>(), lastAtMs: 0 };
    family.lastAtMs = atMs;
    if (family.messages.size < similarMessages) family.messages.add(message);
    remember(families, familyId, family);
    return family.messages.has(message)
      ? { id: `${familyId} ${message}`, text: message }
      : { id: familyId, text: `(combined from similar events): ${message}` };
  };

  const send = async (occurrence: Occurrence): Promise<void> => {
    const { object, type, reason, atMs } = occurrence;
    if (!withinBudget(object, atMs)) return;
    const { id, text } = aggregate(occurrence);
    const namespace = object.metadata.namespace ?? "default";
    const time = isoTime(atMs);
    const earlier = counted.get(id);
    if (earlier) {
      const body = { count: earlier.count + 1, lastTimestamp: time, message: text };
      try {
        await events.patch({ name: earlier.name, namespace }, { type: "merge", body }, { signal });
        earlier.count += 1;
        remember(counted, id, earlier);
        return;
      } catch (error) {
        // Events expire after an hour: then it is a new one.
        if (!isNotFound(error)) throw error;
      }
    }
    const name = `${object.metadata.name}.${(BigInt(Math.floor(atMs)) * 1_000_000n + BigInt(sequence++ % 1_000_000)).toString(16)}`;
    await events.create(
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace },
        involvedObject: referenceTo(object),
        type,
        reason,
        message: text,
        source: { component },
        reportingComponent: component,
        reportingInstance: "",
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
      },
      { signal },
    );
    remember(counted, id, { name, count: 1 });
  };

  const drain = async (): Promise<void> => {
    while (pending.length > 0 && !signal.aborted) {
      const occurrence = pending.shift()!;
      await send(occurrence).catch((error) => {
        if (!signal.aborted) log.debug("an event could not be recorded", { reason: occurrence.reason, error });
      });
    }
  };

  const record = (object: KubeObject, type: Occurrence["type"], reason: string, message: string) => {
    if (signal.aborted) return;
    if (type === "Normal" && config.budget && !config.budget()) {
      log.debug("left an event out: there are many just now", { reason, message });
      return;
    }
    if (pending.length >= maxPending) {
      log.debug("too many events are waiting: dropped one", { reason });
      return;
    }
    pending.push({ object, type, reason, message, atMs: clock.now() });
    sending ??= drain().finally(() => {
      sending = undefined;
    });
  };

  const stopped = untilAborted(signal);

  return {
    of: (object) => ({
      normal: (reason, message) => record(object, "Normal", reason, message),
      warning: (reason, message) => record(object, "Warning", reason, message),
    }),
    done: stopped.then(() => sending),
  };
}

let sequence = 0;

function identityOf(object: KubeObject): string {
  const { namespace = "", name, uid = "" } = object.metadata;
  return `${object.apiVersion} ${object.kind} ${namespace}/${name} ${uid}`;
}

function referenceTo(object: KubeObject) {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
  };
}

/** Sets an entry as the newest; beyond the limit the oldest is forgotten. */
function remember<V>(map: Map<string, V>, id: string, value: V): void {
  map.delete(id);
  map.set(id, value);
  if (map.size > maxRemembered) map.delete(map.keys().next().value!);
}
