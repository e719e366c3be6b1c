import { goQuote } from "../../lib/go-quote.ts";
import { dns1035LabelProblems, qualifiedNameProblems } from "../../lib/kube-names.ts";
import {
  disallowed,
  each,
  type Findings,
  invalidKey,
  invalidValue,
  missingOneOf,
  multipleOneOf,
  none,
  outOfBounds,
  problem,
} from "../field-error.ts";
import type { TrafficTarget } from "./route.ts";

/** Whose traffic it is: a Service's goes to its own revisions, a Route's names a configuration or revisions. */
type Owner = "service" | "route";

/** A Service sends all requests to its latest revision unless told. */
export function setTrafficDefaults(spec: { traffic?: TrafficTarget[] }, owner: Owner): void {
  if (!spec.traffic?.length && owner === "service") spec.traffic = [{ percent: 100, latestRevision: true }];
  for (const target of spec.traffic ?? []) {
    target.latestRevision ??= !target.revisionName;
    target.percent ??= 0;
  }
}

/** What is wrong with a list of targets. Source: serving v0.42.2 pkg/apis/serving/v1/route_validation.go. */
export function validateTraffic(targets: readonly TrafficTarget[] | undefined, owner: Owner): Findings {
  const firstOfTag = new Map<string, number>();
  const found = [...each(targets, (target) => validateTarget(target, owner)), ...(targets ?? []).flatMap(validateTag)];
  const repeated = (targets ?? []).flatMap(({ tag }, index) => {
    if (!tag) return none;
    const first = firstOfTag.get(tag);
    if (first !== undefined)
      return problem(`Multiple definitions for ${goQuote(tag)}`, `[${index}].tag`, `[${first}].tag`);
    firstOfTag.set(tag, index);
    return none;
  });
  // Shares may be absurd, and their sum is told: it has to be exact.
  const sum = (targets ?? []).reduce((total, { percent = 0 }) => total + BigInt(percent), 0n);
  return [...found, ...repeated, ...(sum === 100n ? none : problem(`Traffic targets sum to ${sum}, want 100`, ""))];
}

/** The path is upstream's: `tag[0]`, not `[0].tag`. */
function validateTag({ tag }: TrafficTarget, index: number): Findings {
  const problems = tag ? dns1035LabelProblems(tag) : [];
  return problems.length > 0 ? invalidValue(`not a DNS 1035 label: [${problems.join(" ")}]`, `tag[${index}]`) : none;
}

function validateTarget(target: TrafficTarget, owner: Owner): Findings {
  const { percent = 0, latestRevision, revisionName = "", tag, url } = target;
  const contradicts = latestRevision !== undefined && latestRevision === (revisionName !== "");
  return [
    ...(contradicts
      ? problem(
          `may not set revisionName ${goQuote(revisionName)} when latestRevision is ${latestRevision}`,
          "latestRevision",
        )
      : none),
    ...validateNames(target, owner),
    ...(percent < 0 || percent > 100 ? outOfBounds(percent, 0, 100, "percent") : none),
    // Only the status has a URL; and there, only targets with a tag.
    ...(url ? disallowed("url") : none),
    ...(url && !tag ? disallowed("url") : none),
  ];
}

function validateNames({ revisionName, configurationName }: TrafficTarget, owner: Owner): Findings {
  if (owner === "service" && configurationName) return disallowed("configurationName");
  if (revisionName && configurationName) return multipleOneOf("revisionName", "configurationName");
  if (revisionName) return qualifiedName(revisionName, "revisionName");
  if (configurationName) return qualifiedName(configurationName, "configurationName");
  return owner === "service" ? none : missingOneOf("revisionName", "configurationName");
}

function qualifiedName(name: string, field: string): Findings {
  const problems = qualifiedNameProblems(name);
  return problems.length > 0 ? invalidKey(goQuote(name), field, ...problems) : none;
}
