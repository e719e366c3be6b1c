import type { ClusterRole } from "../../apis/core/rbac.ts";
import { rbacGroup } from "../../apis/core/rbac.ts";
import type { Api } from "./call.ts";
import { matchesSelector } from "./selectors.ts";
import { isDeepEqual } from "./typed-values.ts";

const roles = `${rbacGroup}/clusterroles`;

/**
 * Keeps the rules of ClusterRoles with an aggregationRule: those of all ClusterRoles whose labels it selects, in the
 * order of names. Returns the way to stop. Source: k8s.io/kubernetes pkg/controller/clusterroleaggregation.
 */
export function followAggregatedRoles(api: Api): () => void {
  let running = false;
  let stopped = false;
  const settle = async () => {
    // One pass at a time; changes that arrive meanwhile are seen by the storage operation itself.
    if (running || stopped || !isStale(api)) return;
    running = true;
    try {
      await api.storage.write((transaction) => {
        for (const { object } of transaction.list(roles)) {
          const role = object as ClusterRole;
          const rules = aggregate(
            role,
            transaction.list(roles).map((entry) => entry.object as ClusterRole),
          );
          if (rules && !isDeepEqual(rules, role.rules ?? []))
            transaction.put(roles, { ...role, rules: [...rules] } as ClusterRole);
        }
      });
    } catch (error) {
      if (!stopped) api.log.error("aggregated roles could not be updated", { error });
    } finally {
      running = false;
    }
    await settle();
  };
  const stop = api.storage.onChange(({ entry }) => {
    if (entry.resource === roles) void settle();
  });
  void settle();
  return () => {
    stopped = true;
    stop();
  };
}

function isStale(api: Api): boolean {
  const all = api.storage.list(roles).map((entry) => entry.object as ClusterRole);
  return all.some((role) => {
    const rules = aggregate(role, all);
    return rules !== undefined && !isDeepEqual(rules, role.rules ?? []);
  });
}

/** The rules that an aggregated role has to have; undefined for others. */
function aggregate(role: ClusterRole, all: readonly ClusterRole[]): NonNullable<ClusterRole["rules"]> | undefined {
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (!selectors) return undefined;
  const rules: NonNullable<ClusterRole["rules"]> = [];
  for (const selector of selectors) {
    for (const other of all) {
      if (other.metadata.name === role.metadata.name || !matchesSelector(selector, other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => isDeepEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
