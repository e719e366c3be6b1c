import type { KubeObject } from "../../src/apis/meta.ts";
import { Configuration } from "../../src/apis/serving/configuration.ts";
import type { Revision } from "../../src/apis/serving/revision.ts";
import { isOfKind, type Subject } from "./recorded.ts";

/** What is told of ways to the settled state that a single pass does not go: races lost, finalizers, changes, absences. */
const onTheWay: readonly RegExp[] = [
  /^Normal (FinalizerUpdate|Updated) /,
  /^Warning (FinalizerUpdateFailed|UpdateFailed) /,
  /Operation cannot be fulfilled/,
  /^Warning InternalError error (retrieving deployment selector spec|scaling target): /,
];

/** What only we tell of: docs/differences.md, Why a revision has so many pods. */
const onlyOurs = /^Normal (ScaledUp|ScaledDown|ScaleHeldBack) /;

/** Our events, each once. */
export function toldByUs(events: readonly string[]): string[] {
  return [...new Set(events)].filter((event) => !onlyOurs.test(event)).sort();
}

/** The events that the original told of the object and that come anew, where its status and these children (by kind) do. */
export function toldAnew({ step, object }: Subject, children: readonly string[]): string[] {
  const events = step.events[`${object.kind}/${object.metadata.name}`] ?? [];
  return events
    .filter((event) => !onTheWay.some((way) => way.test(event)) && comesAnew(event, object, children))
    .sort();
}

function comesAnew(event: string, object: Subject["object"], children: readonly string[]): boolean {
  const [, type, reason, words = ""] = /^(\S+) (\S+) (.*)$/.exec(event) ?? [];
  if (type === "Warning" && isReady(object)) return false;
  const [, kind = "", name = ""] = /^(?:Created (?:placeholder )?(\w+)|.*) "([^"]+)"/.exec(words) ?? [];
  if (reason === "Created") return children.some((child) => child.toLowerCase() === `${kind} ${name}`.toLowerCase());
  if (isOfKind(object, Configuration)) {
    const { latestReadyRevisionName, latestCreatedRevisionName } = object.status ?? {};
    if (reason === "LatestReadyUpdate") return name === latestReadyRevisionName;
    if (reason === "LatestCreatedFailed") return name === latestCreatedRevisionName;
  }
  return reason !== "RevisionReady" || isReady(object);
}

function isReady(object: KubeObject): boolean {
  const { conditions = [] } = (object as Revision).status ?? {};
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}
