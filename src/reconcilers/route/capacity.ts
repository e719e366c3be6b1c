import type { ConditionDraft } from "../../apis/conditions.ts";
import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Ingress, IngressRule } from "../../apis/networking/ingress.ts";
import type { Lister } from "../../kube/api.ts";
import type { Clock } from "../../lib/clock.ts";

/** A revision that gets no pods for so long may never get any; then the spec is followed all the same. */
const capacityPatienceMs = 300_000;

/** Whether a revision has pods that are ready; undefined where nothing is known of them. */
export type HasPods = (revision: string) => boolean | undefined;

/**
 * The revision that has to get pods before traffic may move: one that `wanted` sends requests to where `present` does
 * not, that has none, and whose requests are being served meanwhile. Undefined where nothing is to be waited for.
 */
export function awaitedRevision(wanted: Ingress, present: Ingress, hasPods: HasPods): string | undefined {
  for (const rule of wanted.spec.rules ?? []) {
    const before = backendsOf(present.spec.rules?.find((other) => isSame(rule, other)));
    const cold = [...backendsOf(rule)].find((name) => !before.has(name) && hasPods(name) === false);
    if (cold !== undefined && [...before].some((name) => hasPods(name) === true)) return cold;
  }
  return undefined;
}

function isSame(rule: IngressRule, other: IngressRule): boolean {
  const host = rule.hosts?.at(-1);
  return host !== undefined && rule.visibility === other.visibility && (other.hosts ?? []).includes(host);
}

function backendsOf(rule: IngressRule | undefined): ReadonlySet<string> {
  const splits = (rule?.http.paths ?? []).flatMap((path) => path.splits);
  return new Set(splits.filter(({ percent }) => percent !== 0).map(({ serviceName }) => serviceName));
}

/**
 * Holds traffic back from a revision that has no pods yet, which nobody could answer for: it was scaled away, and being
 * asked for brings it back. Returns how long at most; undefined where traffic may move.
 */
export function waitForCapacity(
  wanted: Ingress,
  present: Ingress,
  conditions: ConditionDraft,
  endpoints: Pick<Lister<Endpoints>, "get">,
  clock: Pick<Clock, "now">,
): number | undefined {
  const namespace = wanted.metadata.namespace!;
  const revision = awaitedRevision(wanted, present, (name) => {
    const found = endpoints.get({ namespace, name });
    return found && (found.subsets ?? []).some(({ addresses = [] }) => addresses.length > 0);
  });
  if (revision === undefined) return undefined;
  const reason = "WaitingForCapacity";
  const before = conditions.get("IngressReady");
  const since = before?.reason === reason ? Date.parse(before.lastTransitionTime ?? "") : clock.now();
  const leftMs = since + capacityPatienceMs - clock.now();
  if (!(leftMs > 0)) return undefined;
  conditions.markUnknown(
    "IngressReady",
    reason,
    `Revision "${revision}" gets its traffic once one of its pods is ready.`,
  );
  return leftMs;
}
