import type { Configuration } from "../../apis/serving/configuration.ts";
import { noGcAnnotation } from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { routingStateModified, routingStateOf } from "../../apis/serving/routing-state.ts";
import type { GcConfig } from "../../config/gc.ts";

/** What is to be deleted now, and when it is worth looking again. */
export interface Collection {
  /** In the order of deletion. */
  readonly doomed: readonly Revision[];
  readonly nextLookMs?: number;
}

/**
 * Decides which Revisions of a Configuration are no longer kept: those that no Route refers to and that have become
 * stale, and the oldest beyond the allowed number. The latest ready one, pinned ones (`no-gc: "true"`) and those whose
 * routing state is not known yet always stay; and so does, for the grace period, one that has just left a Route.
 * Source: serving v0.42.2 pkg/reconciler/gc; the grace period is ours.
 */
export function collect(
  configuration: Configuration,
  revisions: readonly Revision[],
  config: GcConfig,
  nowMs: number,
): Collection {
  const least = config.minNonActiveRevisions;
  const most = config.maxNonActiveRevisions;
  const ages = [config.retainSinceCreateTimeMs, config.retainSinceLastActiveTimeMs];
  if (isOff(most) && ages.every(isOff)) return { doomed: [] };

  const candidates = revisions
    .filter((revision) => !isKept(revision, configuration))
    .sort((a, b) => lastActive(a) - lastActive(b));
  if (candidates.length <= least) return { doomed: [] };

  const graceEnds = (revision: Revision) => lastActive(revision) + config.gracePeriodMs;
  const inGrace = (revision: Revision) => graceEnds(revision) > nowMs;
  const stale = candidates
    .filter((revision) => !inGrace(revision) && staleAt(revision, config) <= nowMs)
    .slice(0, candidates.length - least);
  const rest = candidates.filter((revision) => !stale.includes(revision));
  const excess = isOff(most) || rest.length === least ? 0 : Math.max(0, rest.length - most);
  const beyond = rest.slice(0, excess);
  const doomed = [...stale, ...beyond.filter((revision) => !inGrace(revision))];

  const laterTimes = [
    ...beyond.filter(inGrace).map(graceEnds),
    ...rest.map((revision) => Math.max(staleAt(revision, config), graceEnds(revision))),
  ].filter((time) => time > nowMs && Number.isFinite(time));
  return { doomed, ...(laterTimes.length > 0 && { nextLookMs: Math.min(...laterTimes) - nowMs }) };
}

function isKept(revision: Revision, configuration: Configuration): boolean {
  return (
    revision.metadata.name === configuration.status?.latestReadyRevisionName ||
    revision.metadata.annotations?.[noGcAnnotation]?.toLowerCase() === "true" ||
    routingStateOf(revision) !== "reserve"
  );
}

/** When both ages are reached, of those that are set; never where none is. */
function staleAt(revision: Revision, config: GcConfig): number {
  const { retainSinceCreateTimeMs, retainSinceLastActiveTimeMs } = config;
  if (isOff(retainSinceCreateTimeMs) && isOff(retainSinceLastActiveTimeMs)) return Number.POSITIVE_INFINITY;
  return Math.max(
    isOff(retainSinceCreateTimeMs) ? 0 : createdAt(revision) + retainSinceCreateTimeMs,
    isOff(retainSinceLastActiveTimeMs) ? 0 : lastActive(revision) + retainSinceLastActiveTimeMs,
  );
}

/** When the revision last was part of a Route; when it was made, where that is not known. */
function lastActive(revision: Revision): number {
  return routingStateModified(revision) ?? createdAt(revision);
}

function createdAt(revision: Revision): number {
  return Date.parse(revision.metadata.creationTimestamp ?? "") || 0;
}

function isOff(setting: number): boolean {
  return setting < 0;
}
