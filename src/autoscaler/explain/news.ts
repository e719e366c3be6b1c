import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { isoTime } from "../../lib/iso-time.ts";
import { describe, type Explanation, isHeldBack, type Rule } from "./explanation.ts";

/** The annotation in a PodAutoscaler's status that says, as JSON, why it has the scale that it has. */
export const scaleReasonAnnotation = "autoscaling.hakn.dev/scale-reason";

/** What the annotation says: when which rule led to how many pods, and the sentence for people. */
interface Told {
  readonly at: string;
  readonly pods: number;
  readonly rule: string;
  readonly text: string;
}

/** Something to tell of a revision's scale, once. */
export interface News {
  readonly eventReason: "ScaledUp" | "ScaledDown" | "ScaleHeldBack";
  readonly text: string;
  /** The value of `scaleReasonAnnotation`. */
  readonly annotation: string;
}

/** What has just been done about a revision's scale. */
export interface ScaleStep {
  /** The latest decision, if there was any. */
  readonly latest: Explanation | undefined;
  readonly want: number;
  /** What overruled the advice, if anything did. */
  readonly rule: Rule | undefined;
  readonly bounds: Explanation["bounds"];
  /** The replicas that were set before, where that was changed. */
  readonly scaledFrom?: number | undefined;
  readonly nowMs: number;
}

/** That pods are held back is told that often at most. */
const heldBackIntervalMs = 30_000;

/**
 * What is new since the PodAutoscaler's status was last written: a change of its scale, or a rule that begins to hold
 * pods back; undefined where neither is. It is worth an Event and the annotation.
 */
export function newsOf(
  pa: PodAutoscaler,
  { latest, want, rule, bounds, scaledFrom, nowMs }: ScaleStep,
): News | undefined {
  const because = rule ?? latest?.advisedBy;
  if (because === undefined || want < 0) return undefined;
  const text = latest
    ? describe({ ...latest, want, rule: because, bounds })
    : `${want} pod${want === 1 ? "" : "s"}: ${because}`;
  const annotation = JSON.stringify({ at: isoTime(nowMs), pods: want, rule: because, text } satisfies Told);
  if (scaledFrom !== undefined && scaledFrom !== want) {
    return {
      eventReason: want > scaledFrom ? "ScaledUp" : "ScaledDown",
      text: `from ${scaledFrom} to ${text}`,
      annotation,
    };
  }
  const told = toldOf(pa);
  const isTold = told?.pods === want && told.rule === because;
  const isSoon = told !== undefined && nowMs - Date.parse(told.at) < heldBackIntervalMs;
  if (!isHeldBack({ rule: because }) || isTold || isSoon) return undefined;
  return { eventReason: "ScaleHeldBack", text, annotation };
}

function toldOf(pa: PodAutoscaler): Told | undefined {
  try {
    const told = JSON.parse(pa.status?.annotations?.[scaleReasonAnnotation] ?? "null");
    return typeof told?.at === "string" ? told : undefined;
  } catch {
    // Somebody else's words: they are replaced at the next occasion.
    return undefined;
  }
}
