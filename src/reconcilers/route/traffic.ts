import { type ConditionDraft, conditionOf, isFalse, isTrue } from "../../apis/conditions.ts";
import type { ProtocolType } from "../../apis/networking/ports.ts";
import type { Configuration } from "../../apis/serving/configuration.ts";
import { configurationLabel } from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import type { Route, TrafficTarget } from "../../apis/serving/route.ts";
import type { Lister } from "../../kube/api.ts";
import { type ConfigurationRollout, type Rollout, rolloutsOfTag, sortRollouts } from "./rollout.ts";

/** A share of traffic, resolved to a revision. Source of this file: serving v0.42.2 pkg/reconciler/route/traffic. */
export interface RevisionTarget extends TrafficTarget {
  readonly revisionName: string;
  readonly percent: number;
  readonly protocol: ProtocolType;
}

/** The tag under which all targets are joined: the route's own URL. */
export const defaultTag = "";

export interface Traffic {
  /** By tag: what its URL leads to. Absent where a target is bad. */
  readonly targets: ReadonlyMap<string, readonly RevisionTarget[]>;
  /** In the spec's order, one per tag and revision: what `status.traffic` tells. */
  readonly flattened: readonly RevisionTarget[];
  readonly configurations: readonly Configuration[];
  readonly revisions: readonly Revision[];
  readonly missing: readonly MissingTarget[];
  /** Why there is no traffic to assign. */
  readonly problem?: TargetProblem;
}

export interface MissingTarget {
  readonly kind: "Configuration" | "Revision";
  readonly name: string;
}

/** What is wrong with a target. A failure does not heal by waiting. */
export type TargetProblem =
  | (MissingTarget & { readonly type: "missing" })
  | (MissingTarget & { readonly type: "unready"; readonly failed: boolean });

/** Resolves the spec's targets to revisions by what the caches know. */
export function resolveTraffic(
  route: Route,
  configurations: Pick<Lister<Configuration>, "get">,
  revisions: Pick<Lister<Revision>, "get">,
): Traffic {
  const namespace = route.metadata.namespace!;
  const seenConfigurations = new Map<string, Configuration>();
  const seenRevisions = new Map<string, Revision>();
  const resolved: RevisionTarget[] = [];
  const missing: MissingTarget[] = [];
  let problem: TargetProblem | undefined;

  const findConfiguration = (name: string): Configuration => {
    const found = configurations.get({ namespace, name });
    if (!found) throw new BadTarget({ type: "missing", kind: "Configuration", name });
    seenConfigurations.set(name, found);
    return found;
  };
  const findRevision = (name: string): Revision => {
    const found = revisions.get({ namespace, name });
    if (!found) throw new BadTarget({ type: "missing", kind: "Revision", name });
    seenRevisions.set(name, found);
    return found;
  };
  const resolve = (target: TrafficTarget): RevisionTarget | undefined => {
    if (target.revisionName) {
      const revision = mustBeReady(findRevision(target.revisionName));
      const configurationName = revision.metadata.labels?.[configurationLabel];
      if (configurationName !== undefined) findConfiguration(configurationName);
      return makeTarget(target, revision, configurationName ?? target.configurationName);
    }
    if (!target.configurationName) return undefined;
    const configuration = findConfiguration(target.configurationName);
    const latestReady = configuration.status?.latestReadyRevisionName;
    if (!latestReady) throw new BadTarget(unready("Configuration", configuration));
    return makeTarget(target, mustBeReady(findRevision(latestReady)), target.configurationName);
  };

  for (const target of route.spec.traffic ?? []) {
    try {
      const found = resolve(target);
      if (found) resolved.push(found);
    } catch (error) {
      if (!(error instanceof BadTarget)) throw error;
      const found = error.problem;
      if (found.type === "missing") missing.push({ kind: found.kind, name: found.name });
      if (!problem || isFailure(found)) problem = found;
    }
  }
  return {
    targets: problem ? new Map() : groupByTag(resolved),
    flattened: problem ? [] : joinSame(resolved),
    configurations: [...seenConfigurations.values()],
    revisions: [...seenRevisions.values()],
    missing,
    ...(problem && { problem }),
  };
}

/** The rollout that gives every configuration's latest revision all of its share at once. */
export function baseRollout({ targets }: Pick<Traffic, "targets">): Rollout {
  const configurations: ConfigurationRollout[] = [];
  for (const [tag, group] of targets) {
    for (const { latestRevision, percent, configurationName = "", revisionName } of group) {
      if (!latestRevision || percent === 0) continue;
      configurations.push({
        configurationName,
        ...(tag && { tag }),
        percent,
        revisions: [{ revisionName, percent }],
        stepParams: {},
      });
    }
  }
  return configurations.length > 0 ? { configurations: sortRollouts(configurations) } : {};
}

/** `status.traffic`: every revision with its share as the rollout has it. `urlOf` gives a tag's URL. */
export function statusTraffic(traffic: Traffic, rollout: Rollout, urlOf: (tag: string) => string): TrafficTarget[] {
  return traffic.flattened.flatMap(({ tag, revisionName, percent, latestRevision, configurationName }) => {
    const rolling = latestRevision
      ? rolloutsOfTag(rollout, tag ?? "").find((entry) => entry.configurationName === configurationName)
      : undefined;
    const shares = rolling ? (rolling.revisions ?? []) : [{ revisionName, percent }];
    const url = tag ? urlOf(tag) : undefined;
    return shares.map((share) => ({
      ...(tag && { tag }),
      revisionName: share.revisionName,
      ...(latestRevision !== undefined && { latestRevision }),
      percent: share.percent,
      ...(url !== undefined && { url }),
    }));
  });
}

/** Says in AllTrafficAssigned why there is no traffic to assign. */
export function markProblem(conditions: ConditionDraft, problem: TargetProblem): void {
  const { reason, message } = describeProblem(problem);
  if (isFailure(problem)) conditions.markFalse("AllTrafficAssigned", reason, message);
  else conditions.markUnknown("AllTrafficAssigned", reason, message);
}

const sayings = {
  failed: { Configuration: "does not have any ready Revision.", Revision: "failed to become ready." },
  waiting: { Configuration: "is waiting for a Revision to become ready.", Revision: "is not yet ready." },
} as const;

/** What a Route's conditions say of a problem. */
export function describeProblem(problem: TargetProblem): { readonly reason: string; readonly message: string } {
  const { kind, name } = problem;
  if (problem.type === "missing") {
    return { reason: `${kind}Missing`, message: `${kind} "${name}" referenced in traffic not found.` };
  }
  const says = sayings[problem.failed ? "failed" : "waiting"][kind];
  return { reason: "RevisionMissing", message: `${kind} "${name}" ${says}` };
}

export function isFailure(problem: TargetProblem): boolean {
  return problem.type === "missing" || problem.failed;
}

class BadTarget extends Error {
  readonly problem: TargetProblem;

  constructor(problem: TargetProblem) {
    super(`${problem.kind} "${problem.name}" is ${problem.type}`);
    this.problem = problem;
  }
}

function unready(kind: MissingTarget["kind"], object: Configuration | Revision): TargetProblem {
  return { type: "unready", kind, name: object.metadata.name, failed: isFalse(conditionOf(object, "Ready")) };
}

function mustBeReady(revision: Revision): Revision {
  const isCurrent = (revision.status?.observedGeneration ?? 0) === (revision.metadata.generation ?? 0);
  if (!isCurrent || !isTrue(conditionOf(revision, "Ready"))) throw new BadTarget(unready("Revision", revision));
  return revision;
}

function makeTarget(target: TrafficTarget, revision: Revision, configurationName: string | undefined): RevisionTarget {
  return {
    ...target,
    revisionName: revision.metadata.name,
    ...(configurationName !== undefined && { configurationName }),
    percent: target.percent ?? 0,
    protocol: protocolOf(revision),
  };
}

/** Source: serving v0.42.2 Revision.GetProtocol; the serving container is the only one, or the first with ports. */
function protocolOf(revision: Revision): ProtocolType {
  const containers = revision.spec?.containers ?? [];
  const serving = containers.length === 1 ? containers[0] : containers.find(({ ports = [] }) => ports.length > 0);
  return serving?.ports?.[0]?.name === "h2c" ? "h2c" : "http1";
}

function groupByTag(targets: readonly RevisionTarget[]): Map<string, readonly RevisionTarget[]> {
  const tags = new Set([
    ...(targets.length > 0 ? [defaultTag] : []),
    ...targets.flatMap(({ tag }) => (tag ? [tag] : [])),
  ]);
  return new Map(
    [...tags].map((tag) => [
      tag,
      joinRevisions(tag === defaultTag ? targets : targets.filter((target) => target.tag === tag)),
    ]),
  );
}

/** One target per revision; a single one gets everything. */
function joinRevisions(targets: readonly RevisionTarget[]): readonly RevisionTarget[] {
  const byRevision = new Map<string, RevisionTarget>();
  for (const target of targets) {
    const same = byRevision.get(target.revisionName);
    byRevision.set(target.revisionName, same ? { ...same, percent: same.percent + target.percent } : target);
  }
  const joined = [...byRevision.values()];
  return joined.length === 1 ? [{ ...joined[0]!, percent: 100 }] : joined;
}

/** One target per tag, revision and way of naming it. */
function joinSame(targets: readonly RevisionTarget[]): readonly RevisionTarget[] {
  const joined: RevisionTarget[] = [];
  for (const target of targets) {
    const at = joined.findIndex(
      ({ tag, revisionName, latestRevision }) =>
        (tag ?? "") === (target.tag ?? "") &&
        revisionName === target.revisionName &&
        (latestRevision ?? false) === (target.latestRevision ?? false),
    );
    if (at < 0) joined.push(target);
    else joined[at] = { ...joined[at]!, percent: joined[at]!.percent + target.percent };
  }
  return joined;
}
