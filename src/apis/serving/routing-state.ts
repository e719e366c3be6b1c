import { isoTime } from "../../lib/iso-time.ts";
import type { KubeObject } from "../meta.ts";
import { routesAnnotation, routingStateLabel, routingStateModifiedAnnotation } from "./labels.ts";

/** Whether a Route refers to a revision: not yet known, yes, or no longer. Unlabelled revisions have none. */
export type RoutingState = "pending" | "active" | "reserve";

export function routingStateOf(revision: KubeObject): RoutingState | undefined {
  return revision.metadata.labels?.[routingStateLabel] as RoutingState | undefined;
}

/** When the routing state last changed, in milliseconds since the Unix epoch; undefined where that is not written. */
export function routingStateModified(revision: KubeObject): number | undefined {
  const time = Date.parse(revision.metadata.annotations?.[routingStateModifiedAnnotation] ?? "");
  return Number.isNaN(time) ? undefined : time;
}

/** The names of the Routes that refer to a Revision or Configuration. */
export function routesOf(object: KubeObject): string[] {
  const names = object.metadata.annotations?.[routesAnnotation];
  return names ? names.split(",") : [];
}

/** An RFC 3339 time with whole seconds, as annotations and conditions carry it. */
export function timestamp(nowMs: number): string {
  return isoTime(nowMs);
}
