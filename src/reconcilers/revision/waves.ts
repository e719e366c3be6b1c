import type { Deployment } from "../../apis/core/deployment.ts";
import type { Lister } from "../../kube/api.ts";
import { hasTimedOut } from "./conditions.ts";

/** Decides when a running revision's pods may be replaced, so that a change of configuration does not restart all at once. */
export interface Waves {
  /** Whether this Deployment may be changed now. If so, it counts as rolling from now on. */
  mayRoll(deployment: Deployment): boolean;
}

const leastAtOnce = 5;
const shareAtOnce = 0.1;

/**
 * Waves over the Deployments in the cache: five or, in a large cluster, a tenth of those with pods may roll at a time.
 * One without pods, one that rolls already and one that never came up harm nobody: they never wait, and do not count.
 */
export function createWaves(deployments: Pick<Lister<Deployment>, "list">): Waves {
  /** Those we allowed and the cache does not show as rolling yet, with the generation they had. */
  const allowed = new Map<string, number>();
  const generationOf = ({ metadata }: Deployment) => metadata.generation ?? 0;

  return {
    mayRoll(deployment) {
      const uid = deployment.metadata.uid ?? "";
      if (!isServing(deployment) || isRolling(deployment)) return true;
      let rolling = 0;
      let serving = 0;
      const present = new Set<string>();
      for (const other of deployments.list()) {
        const id = other.metadata.uid ?? "";
        present.add(id);
        if (isServing(other)) serving++;
        if (allowed.get(id) !== generationOf(other)) allowed.delete(id);
        if (allowed.has(id) || (isServing(other) && isRolling(other))) rolling++;
      }
      for (const id of allowed.keys()) if (!present.has(id)) allowed.delete(id);
      if (rolling >= Math.max(leastAtOnce, Math.ceil(serving * shareAtOnce)) && !allowed.has(uid)) return false;
      allowed.set(uid, generationOf(deployment));
      return true;
    },
  };
}

function isServing(deployment: Deployment): boolean {
  return (deployment.spec.replicas ?? 1) > 0 && (deployment.status?.availableReplicas ?? 0) > 0;
}

/** Pods of an earlier template are still there, and are being replaced. */
function isRolling(deployment: Deployment): boolean {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = deployment.status ?? {};
  const seen = observedGeneration >= (deployment.metadata.generation ?? 0);
  return !seen || (replicas > updatedReplicas && !hasTimedOut(deployment));
}
