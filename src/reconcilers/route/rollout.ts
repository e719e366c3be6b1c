/**
 * The state of gradual rollouts, as it is kept in the Ingress's annotation, so that it outlives restarts and changes of
 * leader. Times are nanoseconds since the Unix epoch. Source of this file: serving v0.42.2 pkg/reconciler/route/traffic/rollout.go.
 */
export interface Rollout {
  /** Sorted by tag, then by name. */
  readonly configurations?: readonly ConfigurationRollout[];
}

/** How the traffic of one configuration (under one tag) is spread over its revisions. */
export interface ConfigurationRollout {
  readonly configurationName: string;
  readonly tag?: string;
  /** The configuration's share of the route's traffic; the revisions' shares add up to it. */
  readonly percent: number;
  /** From the oldest to the newest; a single one when nothing is under way. */
  readonly revisions?: readonly RevisionShare[];
  readonly stepParams: StepParams;
}

export interface RevisionShare {
  readonly revisionName: string;
  readonly percent: number;
}

export interface StepParams {
  readonly starttime?: number;
  readonly nextStepTime?: number;
  readonly stepDuration?: number;
  /** Percent moved by a step. */
  readonly stepSize?: number;
}

const second = 1e9;

/** The annotation's value, its fields in upstream's order: it is compared as text to see whether anything changed. */
export function formatRollout({ configurations }: Rollout): string {
  return JSON.stringify({
    ...(configurations?.length && { configurations: configurations.map(orderedConfiguration) }),
  });
}

function orderedConfiguration({ configurationName, tag, percent, revisions, stepParams }: ConfigurationRollout) {
  const { starttime, nextStepTime, stepDuration, stepSize } = stepParams;
  return {
    configurationName,
    ...(tag && { tag }),
    percent,
    ...(revisions?.length && {
      revisions: revisions.map(({ revisionName, percent }) => ({ revisionName, percent })),
    }),
    stepParams: {
      ...(starttime && { starttime }),
      ...(nextStepTime && { nextStepTime }),
      ...(stepDuration && { stepDuration }),
      ...(stepSize && { stepSize }),
    },
  };
}

/** Reads the annotation; undefined where somebody made it senseless, since a rollout can do without its past. */
export function parseRollout(text: string | undefined): Rollout | undefined {
  if (!text) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRollout(parsed)) return undefined;
    const capped = capSteps(parsed);
    return isValid(capped) ? capped : undefined;
  } catch {
    return undefined;
  }
}

/** A configuration whose share was cut while it rolled out may be left with larger steps than it has traffic to move. */
function capSteps(rollout: Rollout): Rollout {
  if (!rollout.configurations) return rollout;
  return {
    configurations: rollout.configurations.map((configuration) => {
      const { percent, stepParams } = configuration;
      if ((stepParams.stepSize ?? 0) <= percent) return configuration;
      return { ...configuration, stepParams: { ...stepParams, stepSize: percent } };
    }),
  };
}

/** Whether shares add up and steps are not larger than what there is to move. */
export function isValid(rollout: Rollout): boolean {
  return (rollout.configurations ?? []).every(({ percent, revisions = [], stepParams: { stepSize = 0 } }) => {
    const total = revisions.reduce((sum, revision) => sum + revision.percent, 0);
    return percent <= 100 && stepSize >= 0 && stepSize <= percent && total === percent;
  });
}

export function isDone(rollout: Rollout): boolean {
  return (rollout.configurations ?? []).every(({ revisions = [] }) => revisions.length < 2);
}

export function rolloutsOfTag(rollout: Rollout, tag: string): ConfigurationRollout[] {
  return (rollout.configurations ?? []).filter((configuration) => (configuration.tag ?? "") === tag);
}

/** Sorted by tag, then by name of the configuration. */
export function sortRollouts(configurations: readonly ConfigurationRollout[]): ConfigurationRollout[] {
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...configurations].sort(
    (a, b) => order(a.tag ?? "", b.tag ?? "") || order(a.configurationName, b.configurationName),
  );
}

/**
 * Called when the gateway has its first proof of a new revision's 1 %: the time that took becomes the pace of the
 * rollouts that were waiting for it.
 */
export function observeReady(rollout: Rollout, nowNs: number, durationSeconds: number): Rollout {
  if (!rollout.configurations) return rollout;
  return {
    configurations: rollout.configurations.map((configuration) => {
      const { starttime = 0, stepDuration = 0 } = configuration.stepParams;
      if (stepDuration !== 0 || starttime <= 0) return configuration;
      const paceSeconds = Math.max(1, Math.ceil((nowNs - starttime) / second));
      return { ...configuration, stepParams: plan(configuration, nowNs, paceSeconds, durationSeconds) };
    }),
  };
}

function plan(
  { percent, stepParams }: ConfigurationRollout,
  nowNs: number,
  paceSeconds: number,
  seconds: number,
): StepParams {
  const left = percent - 1;
  const leftSeconds = Math.max(1, seconds - paceSeconds);
  const steps = Math.min(left, Math.max(1, leftSeconds / paceSeconds));
  const stepDuration = (leftSeconds / steps) * second;
  return {
    ...stepParams,
    nextStepTime: Math.trunc(nowNs + stepDuration),
    stepDuration: Math.trunc(stepDuration),
    stepSize: Math.round(left / steps),
  };
}

/**
 * Joins what the spec asks for (`wanted`, one revision per configuration) with where the rollouts stand (`previous`).
 * `nextStepNs` is when to look again; 0 where nothing is to be done.
 */
export function stepRollout(
  wanted: Rollout,
  previous: Rollout | undefined,
  nowNs: number,
): { readonly rollout: Rollout; readonly nextStepNs: number } {
  if (!previous?.configurations?.length) return { rollout: wanted, nextStepNs: 0 };
  const stepped: ConfigurationRollout[] = [];
  const tags = new Set((wanted.configurations ?? []).map(({ tag = "" }) => tag));
  for (const tag of tags) {
    const before = rolloutsOfTag(previous, tag);
    const now = rolloutsOfTag(wanted, tag);
    if (before.length === 0) {
      stepped.push(now[0]!);
      continue;
    }
    for (const goal of now) {
      const past = before.find(({ configurationName }) => configurationName === goal.configurationName);
      if (goal.percent === 0) continue;
      stepped.push(past && goal.percent > 1 ? stepConfiguration(goal, past, nowNs) : goal);
    }
  }
  const times = stepped.map(({ stepParams }) => stepParams.nextStepTime ?? 0).filter((time) => time > 0);
  return {
    rollout: stepped.length > 0 ? { configurations: sortRollouts(stepped) } : {},
    nextStepNs: times.length > 0 ? Math.min(...times) : 0,
  };
}

function stepConfiguration(
  goal: ConfigurationRollout,
  past: ConfigurationRollout,
  nowNs: number,
): ConfigurationRollout {
  const newest = goal.revisions![0]!;
  const shares = adjustShares(past, goal.percent);
  const pastNewest = shares.at(-1);
  const resting = { ...goal, stepParams: {} };

  if (!pastNewest || pastNewest.revisionName === newest.revisionName) {
    if (shares.length < 2) return resting;
    const { stepParams } = past;
    const going = { ...goal, revisions: shares, stepParams };
    return (stepParams.stepSize ?? 0) > 0 ? moveTraffic(going, nowNs) : going;
  }

  const lender = shares.findLastIndex(({ percent }) => percent > 0);
  const lent = shares.map((share, at) => (at === lender ? { ...share, percent: share.percent - 1 } : share));
  return {
    ...resting,
    revisions: [...lent.filter(({ percent }) => percent !== 0), { ...newest, percent: 1 }],
    stepParams: { starttime: nowNs },
  };
}

/** The past shares when the configuration's own share has changed: the newest gains, the oldest lose. */
function adjustShares({ percent, revisions = [] }: ConfigurationRollout, goal: number): readonly RevisionShare[] {
  const gain = goal - percent;
  if (gain >= 0) {
    return revisions.map((share, at) =>
      at === revisions.length - 1 ? { ...share, percent: share.percent + gain } : share,
    );
  }
  return drain(revisions, -gain);
}

/** Takes `amount` percent from the oldest revisions; those that are left with nothing go. */
function drain(shares: readonly RevisionShare[], amount: number): readonly RevisionShare[] {
  let left = amount;
  const [...rest] = shares;
  while (left > 0 && rest.length > 0) {
    const oldest = rest[0]!;
    if (oldest.percent > left) {
      rest[0] = { ...oldest, percent: oldest.percent - left };
      break;
    }
    left -= oldest.percent;
    rest.shift();
  }
  return rest;
}

/** Makes one step once its time has come: the newest revision gains, and those just before it lose first. */
function moveTraffic(rollout: ConfigurationRollout, nowNs: number): ConfigurationRollout {
  const { stepParams, percent, revisions = [] } = rollout;
  const { nextStepTime = 0, stepSize = 0, stepDuration = 0 } = stepParams;
  if (nowNs < nextStepTime || revisions.length < 2) return rollout;
  const newest = revisions.at(-1)!;
  const kept = revisions.slice(0, -1);
  for (let left = stepSize; left > 0 && kept.length > 0; ) {
    const last = kept.at(-1)!;
    if (last.percent > left) {
      kept[kept.length - 1] = { ...last, percent: last.percent - left };
      break;
    }
    left -= last.percent;
    kept.pop();
  }
  const moved = [...kept, { ...newest, percent: Math.min(newest.percent + stepSize, percent) }];
  const next = moved.length > 1 ? { ...stepParams, nextStepTime: nowNs + stepDuration } : {};
  return { ...rollout, revisions: moved, stepParams: next };
}

function isRollout(value: unknown): value is Rollout {
  if (typeof value !== "object" || value === null) return false;
  const { configurations = [] } = value as { configurations?: unknown };
  return (
    Array.isArray(configurations) &&
    configurations.every(
      (entry) =>
        typeof entry?.configurationName === "string" &&
        typeof entry.percent === "number" &&
        typeof entry.stepParams === "object" &&
        (entry.revisions ?? []).every(
          (share: Partial<RevisionShare>) =>
            typeof share.revisionName === "string" && typeof share.percent === "number",
        ),
    )
  );
}
