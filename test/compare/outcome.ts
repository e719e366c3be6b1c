import { isDeepStrictEqual } from "node:util";
import { apiVersionOf, resourceNameOf } from "../../src/apis/kind.ts";
import { allKinds } from "../../src/apis/kinds.ts";
import type { Loose } from "../walks/world.ts";
import { normal, sorted } from "./essence.ts";

/** Changes an answer of upstream's to what ours has to be, where a row applies. Answers are essences. */
export type Change = (upstream: Loose, request: Loose, ours: Loose) => Loose | undefined;

export function isOf({ op }: Loose, wanted: string): boolean {
  return op === wanted;
}

const resourceOf: Readonly<Record<string, string>> = {
  service: "services.serving.knative.dev",
  configuration: "configurations.serving.knative.dev",
  route: "routes.serving.knative.dev",
  domainmapping: "domainmappings.serving.knative.dev",
};

function isStatusOf(request: Loose, action: Loose): boolean {
  return action.subresource === "status" && action.resource === resourceOf[request.controller];
}

/** The object that the pass is about, as it is stored. */
export function subjectOf(request: Loose): Loose | undefined {
  return request.objects.find(
    ({ kind, apiVersion, metadata }: Loose) =>
      resourceNameOf(kindOf(apiVersion, kind)) === resourceOf[request.controller] &&
      `${metadata.namespace}/${metadata.name}` === request.key,
  );
}

function kindOf(apiVersion: string, kind: string) {
  return allKinds.find((known) => known.kind === kind && apiVersionOf(known) === apiVersion)!;
}

/** An object of the request as answers show it: times of the pass read "NOW". */
export function shown(object: Loose, { now }: Loose): Loose {
  return normal(JSON.parse(JSON.stringify(object), (_, value) => (value === now ? "NOW" : value)));
}

/** The status that an answer leaves, whether it writes one or not. */
export function statusAfter(answer: Loose, request: Loose): Loose | undefined {
  const written = (answer.actions ?? []).find((action: Loose) => isStatusOf(request, action));
  const stored = subjectOf(request);
  return written?.object.status ?? (stored && shown(stored, request).status);
}

/** The objects of a kind that an answer leaves. */
export function objectsAfter(answer: Loose, request: Loose, kind: string): Loose[] {
  const objects = new Map<string, Loose>(
    request.objects
      .filter((object: Loose) => object.kind === kind)
      .map((object: Loose) => [object.metadata.name, shown(object, request)]),
  );
  for (const { verb, name, object, resource, subresource } of answer.actions ?? []) {
    if (!resource.startsWith(`${kind.toLowerCase()}s.`) && !resource.startsWith(`${kind.toLowerCase()}es.`)) continue;
    if (verb === "delete") objects.delete(name);
    else if (object && !subresource) objects.set(name, { ...objects.get(name), ...object });
  }
  return [...objects.values()];
}

/** The answer with another status: with the write that this takes, or without one where nothing changes. */
export function withStatus(answer: Loose, request: Loose, change: (status: Loose, subject: Loose) => void): Loose {
  const subject = subjectOf(request);
  const before = statusAfter(answer, request);
  if (!subject || !before) return answer;
  const stored = shown(subject, request);
  const status = structuredClone(before);
  change(status, stored);
  if (isDeepStrictEqual(status, before)) return answer;
  for (const condition of status.conditions ?? []) keepTime(condition, conditionOf(stored.status, condition.type));
  const isWrite = (action: Loose) => isStatusOf(request, action);
  const written = (answer.actions ?? []).find(isWrite) ?? {
    verb: "update",
    resource: resourceOf[request.controller],
    subresource: "status",
    namespace: subject.metadata.namespace,
    name: subject.metadata.name,
    object: stored,
  };
  const write = { ...written, object: normal({ ...written.object, status }) };
  const others = (answer.actions ?? []).filter((action: Loose) => !isWrite(action));
  return withActions(answer, isDeepStrictEqual(write.object.status, stored.status) ? others : [...others, write]);
}

/** What did not change keeps its time. */
function keepTime(condition: Loose, before: Loose | undefined): void {
  const wordsOf = ({ status, reason, message, severity }: Loose) => [status, reason, message, severity];
  const isSame = before && isDeepStrictEqual(wordsOf(condition), wordsOf(before));
  condition.lastTransitionTime = isSame ? before.lastTransitionTime : "NOW";
}

export function withActions(answer: Loose, actions: Loose[]): Loose {
  return normal({ ...answer, actions: sorted(actions) });
}

export function conditionOf(status: Loose | undefined, type: string): Loose | undefined {
  return status?.conditions?.find((condition: Loose) => condition.type === type);
}

export function mark(status: Loose, type: string, { status: value, reason, message }: Loose): void {
  Object.assign(conditionOf(status, type)!, { status: value, reason, message });
}

/** Whether Ready is what the conditions that it follows from make it. */
export function isReadyRight({ conditions = [] }: Loose): boolean {
  const ready = conditions.find(({ type }: Loose) => type === "Ready");
  const parts = conditions.filter(({ type, severity }: Loose) => type !== "Ready" && !severity);
  const worst = ["False", "Unknown"].find((value) => parts.some(({ status }: Loose) => status === value)) ?? "True";
  const says = ({ status, reason, message }: Loose) =>
    status === worst && reason === ready.reason && message === ready.message;
  return ready?.status === worst && (worst === "True" || parts.some(says));
}
