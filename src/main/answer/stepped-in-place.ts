import {
  type ConfigurationRollout,
  type RevisionShare,
  type Rollout,
  rolloutsOfTag,
} from "../../reconcilers/route/rollout.ts";

/**
 * What upstream's step leaves of the state that it starts from: it works in place, and the protocol shows that state
 * afterwards. Source: serving v0.42.2 pkg/reconciler/route/traffic/rollout.go.
 */
export function steppedInPlace(previous: Rollout, wanted: Rollout, nowNs: number): Rollout {
  if (!previous.configurations) return previous;
  return {
    configurations: previous.configurations.map((past) => {
      const goal = rolloutsOfTag(wanted, past.tag ?? "").find(
        ({ configurationName }) => configurationName === past.configurationName,
      );
      return goal && goal.percent > 1 && past.revisions?.length ? leftOf(past, goal, nowNs) : past;
    }),
  };
}

function leftOf(past: ConfigurationRollout, goal: ConfigurationRollout, nowNs: number): ConfigurationRollout {
  const newest = past.revisions!.at(-1)!.revisionName;
  const shares = adjusted(past, goal.percent);
  if (goal.revisions![0]!.revisionName !== newest) {
    const lender = shares.findLastIndex(({ percent }) => percent > 0);
    if (lender >= 0) shares[lender] = { ...shares[lender]!, percent: shares[lender]!.percent - 1 };
  } else {
    moveInPlace(shares, past, goal.percent, nowNs);
  }
  return { ...past, revisions: shares };
}

function adjusted({ percent, revisions = [] }: ConfigurationRollout, goal: number): RevisionShare[] {
  const shares = revisions.map((share) => ({ ...share }));
  const gain = goal - percent;
  if (gain > 0) shares[shares.length - 1]!.percent += gain;
  for (let left = -gain; left > 0 && shares.length > 0; ) {
    if (shares[0]!.percent > left) {
      shares[0]!.percent -= left;
      break;
    }
    left -= shares.shift()!.percent;
  }
  return shares;
}

function moveInPlace(shares: RevisionShare[], { stepParams }: ConfigurationRollout, most: number, nowNs: number): void {
  const { stepSize = 0, nextStepTime = 0 } = stepParams;
  if (shares.length < 2 || stepSize <= 0 || nowNs < nextStepTime) return;
  const newest = shares.at(-1)!;
  let at = shares.length - 1;
  for (let left = stepSize; left > 0 && at > 0; ) {
    const before = shares[at - 1]!;
    if (before.percent > left) {
      shares[at - 1] = { ...before, percent: before.percent - left };
      break;
    }
    left -= before.percent;
    at -= 1;
  }
  shares[at] = { ...newest, percent: Math.min(newest.percent + stepSize, most) };
}
