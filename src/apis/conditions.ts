import type { Clock } from "../lib/clock.ts";
import { isoTime } from "../lib/iso-time.ts";
import { list, object, string, words } from "./schema.ts";

export type ConditionStatus = "True" | "False" | "Unknown";

/** One aspect of an object's state, as Knative and Kubernetes report it in `status.conditions`. */
export interface Condition {
  type: string;
  status: ConditionStatus;
  reason?: string;
  message?: string;
  /** Absent for the conditions that decide readiness; "Info" for those that only inform. */
  severity?: "Info" | "Warning";
  lastTransitionTime?: string;
}

/** The schema of `status.conditions` of every Knative kind. */
export const conditionsSchema = list(
  "What is known of the object's state at present, one aspect per element.",
  object(
    "One aspect of the object's state.",
    {
      type: string("The aspect that this condition is about."),
      status: words("Whether it holds: True, False or Unknown.", ["True", "False", "Unknown"]),
      reason: string("One word for the last change, for programs."),
      message: string("Details of the last change, for people."),
      severity: words("Info or Warning where the condition only informs; absent where it decides readiness.", [
        "Info",
        "Warning",
      ]),
      lastTransitionTime: string("When the condition last changed."),
    },
    { required: ["status", "type"] },
  ),
);

/** The conditions of one kind: a top-level one ("Ready") that follows from its dependents. */
export interface ConditionSet {
  readonly happy: string;
  readonly dependents: readonly string[];
  /** Starts from an object's present conditions; changes are collected and read back by `all()`. */
  draft(current: readonly Condition[] | undefined, clock: Pick<Clock, "now">): ConditionDraft;
}

export interface ConditionDraft {
  get(type: string): Condition | undefined;
  all(): Condition[];
  /** Adds what is missing as Unknown (as True where the top-level condition is already True). */
  initialize(): void;
  markTrue(type: string, reason?: string, message?: string): void;
  markUnknown(type: string, reason?: string, message?: string): void;
  markFalse(type: string, reason: string, message: string): void;
  /** Removes a condition that does not decide readiness. */
  clear(type: string): void;
}

/**
 * Declares a kind's conditions. The top-level condition is False as soon as one dependent is, Unknown while one is,
 * else True. Source: knative.dev/pkg/apis ConditionSet (living set), as serving v0.42.2 requires it.
 */
export function conditionSet(happy: string, ...dependents: readonly string[]): ConditionSet {
  return { happy, dependents, draft: (current, clock) => draftOf(happy, dependents, current ?? [], clock) };
}

export function conditionOf(
  object: { status?: { conditions?: readonly Condition[] } },
  type: string,
): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type);
}

export function isTrue(condition: Condition | undefined): boolean {
  return condition?.status === "True";
}

export function isFalse(condition: Condition | undefined): boolean {
  return condition?.status === "False";
}

/** Neither True nor False; a condition that is absent is unknown too. */
export function isUnknown(condition: Condition | undefined): boolean {
  return !isTrue(condition) && !isFalse(condition);
}

function draftOf(
  happy: string,
  dependents: readonly string[],
  current: readonly Condition[],
  clock: Pick<Clock, "now">,
): ConditionDraft {
  let conditions: readonly Condition[] = current;

  const get = (type: string) => conditions.find((condition) => condition.type === type);
  const decides = (type: string) => type === happy || dependents.includes(type);

  /** Stored times count seconds; within this draft the order of the changes is known. */
  const changes = new Map<string, number>();
  let changeCount = 0;

  const set = (type: string, status: ConditionStatus, reason = "", message = "") => {
    const previous = get(type);
    const severity = decides(type) ? undefined : "Info";
    const unchanged =
      previous !== undefined &&
      previous.status === status &&
      (previous.reason ?? "") === reason &&
      (previous.message ?? "") === message &&
      previous.severity === severity;
    if (unchanged) return;
    changeCount += 1;
    changes.set(type, changeCount);
    const changed: Condition = {
      type,
      status,
      ...(reason !== "" && { reason }),
      ...(message !== "" && { message }),
      ...(severity && { severity }),
      lastTransitionTime: isoTime(clock.now()),
    };
    conditions = [...conditions.filter((condition) => condition.type !== type), changed].sort((a, b) =>
      a.type < b.type ? -1 : 1,
    );
  };

  /** The most recently changed dependent that is False, else Unknown; an absent one counts as Unknown. */
  const unhappyDependent = (): Pick<Condition, "status" | "reason" | "message"> | undefined => {
    if (dependents.length === 0) return undefined;
    const deciding = conditions
      .filter((condition) => !condition.severity && condition.type !== happy)
      .sort(
        (a, b) =>
          (b.lastTransitionTime ?? "").localeCompare(a.lastTransitionTime ?? "") ||
          (changes.get(b.type) ?? 0) - (changes.get(a.type) ?? 0),
      );
    return (
      deciding.find(isFalse) ??
      deciding.find((condition) => condition.status === "Unknown") ??
      (dependents.length > deciding.length ? { status: "Unknown" } : undefined)
    );
  };

  return {
    get,
    all: () => conditions.map((condition) => ({ ...condition })),
    initialize() {
      if (!get(happy)) set(happy, "Unknown");
      const status = isTrue(get(happy)) ? "True" : "Unknown";
      for (const type of dependents) if (!get(type)) set(type, status);
    },
    markTrue(type, reason, message) {
      set(type, "True", reason, message);
      const unhappy = unhappyDependent();
      if (unhappy) set(happy, unhappy.status, unhappy.reason, unhappy.message);
      else if (type !== happy) set(happy, "True");
    },
    markUnknown(type, reason, message) {
      set(type, "Unknown", reason, message);
      if (dependents.some((dependent) => isFalse(get(dependent)))) {
        if (!isFalse(get(happy))) set(happy, "False", reason, message);
      } else if (dependents.includes(type)) {
        set(happy, "Unknown", reason, message);
      }
    },
    markFalse(type, reason, message) {
      set(type, "False", reason, message);
      if (dependents.includes(type)) set(happy, "False", reason, message);
    },
    clear(type) {
      if (decides(type)) throw new Error(`condition ${type} decides readiness and cannot be cleared`);
      conditions = conditions.filter((condition) => condition.type !== type);
    },
  };
}
