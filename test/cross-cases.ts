/**
 * Makes new requests for `npm run answer` out of the recorded ones: parts of a request are replaced by what another one
 * of the same operation has at that place, or taken out. Prints one request a line, the same ones for the same seed.
 *
 *   node test/cross-cases.ts --seed 1 --count 5000 [--ops traffic,rollout,gc,reconcile,make]
 *
 * Answered by upstream and by us, they show differences that nobody thought of.
 */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { apiVersionOf, type KindInfo } from "../src/apis/kind.ts";
import { allKinds } from "../src/apis/kinds.ts";
import { validate } from "../src/apis/structural-validation.ts";
import { isValid, type Rollout, sortRollouts } from "../src/reconcilers/route/rollout.ts";
import { type Dice, dice } from "../src/testing/mutate.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "1000" },
    ops: { type: "string", default: "traffic,rollout,gc,reconcile" },
  },
});

type Fields = Record<string, unknown>;
interface Place {
  readonly path: string;
  readonly holder: Fields;
  readonly name: string;
}

/** What makes a request the one that it is, or leads from one object to another. */
const fixed = new Set(["id", "op", "controller", "resource", "key", "apiVersion", "kind", "now", "namespace"]);
const wanted = new Set(values.ops.split(","));
const recorded = ["revisions", "network"]
  .flatMap((name) =>
    readFileSync(new URL(`corpus/${name}.jsonl`, import.meta.url), "utf8")
      .trimEnd()
      .split("\n"),
  )
  .map((line) => stored((JSON.parse(line) as { request: Fields }).request))
  .filter(({ op }) => wanted.has(op as string));

const kindOf = ({ op, controller = "", resource = "" }: Fields) => `${op} ${controller}${resource}`;

/** With what an API server gives every object, which was left out where the recorded case does not depend on it. */
function stored(request: Fields): Fields {
  for (const { kind, metadata } of (request["objects"] ?? []) as { kind: string; metadata: Fields }[]) {
    metadata["uid"] ??= `u-${kind}-${metadata["name"]}`;
    metadata["generation"] ??= 1;
  }
  return request;
}

/** All places in a request; those of list items are told apart by the item's kind only. */
function placesIn(value: unknown, path: string, found: Place[] = []): Place[] {
  if (typeof value !== "object" || value === null) return found;
  const holder = value as Fields;
  for (const [name, part] of Object.entries(holder)) {
    if (fixed.has(name)) continue;
    const item = Array.isArray(value) ? `[${(part as Fields | null)?.["kind"] ?? ""}]` : `.${name}`;
    found.push({ path: path + item, holder, name });
    placesIn(part, path + item, found);
  }
  return found;
}

const seen = new Map<string, unknown[]>();
for (const request of recorded) {
  for (const { path, holder, name } of placesIn(request, kindOf(request))) {
    seen.set(path, [...(seen.get(path) ?? []), holder[name]]);
  }
}

function cross(request: Fields, random: Dice): Fields {
  const crossed = structuredClone(request);
  for (let left = 1 + random.roll(6); left > 0; left--) {
    const places = placesIn(crossed, kindOf(crossed));
    if (places.length === 0) break;
    const { path, holder, name } = random.pick(places);
    if (random.roll(8) === 0 && isOptional(path, holder, name)) delete holder[name];
    else holder[name] = structuredClone(random.pick(seen.get(path)!));
  }
  return crossed;
}

/** Every object has the fields that the API server gives it. */
function isOptional(path: string, holder: Fields, name: string): boolean {
  if (Array.isArray(holder) || /\.metadata\.(name|uid|generation|creationTimestamp)$/.test(path)) return false;
  return name !== "" && /\.(status|metadata|spec)\./.test(path);
}

/** Inputs of builders come without their kind, by these names. */
const kindOfInput: Readonly<Record<string, string>> = {
  service: "serving.knative.dev/v1 Service",
  configuration: "serving.knative.dev/v1 Configuration",
  configurations: "serving.knative.dev/v1 Configuration",
  revision: "serving.knative.dev/v1 Revision",
  revisions: "serving.knative.dev/v1 Revision",
  route: "serving.knative.dev/v1 Route",
  domainmapping: "serving.knative.dev/v1beta1 DomainMapping",
  podautoscaler: "autoscaling.internal.knative.dev/v1alpha1 PodAutoscaler",
  serverlessservice: "networking.internal.knative.dev/v1alpha1 ServerlessService",
  ingress: "networking.internal.knative.dev/v1alpha1 Ingress",
  services: "v1 Service",
  endpoints: "v1 Endpoints",
};

const kinds = new Map(allKinds.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind]));

/** For what an API server would refuse to store objects of a request. */
function refusals(request: Fields): string[] {
  const inputs = Object.entries(kindOfInput).flatMap(([name, kind]) =>
    [request[name] ?? []].flat().map((object) => [kinds.get(kind), object as Fields] as const),
  );
  const objects = ((request["objects"] ?? []) as Fields[]).map(
    (object) => [kinds.get(`${object["apiVersion"]} ${object["kind"]}`), object] as const,
  );
  return [...inputs, ...objects].flatMap(([kind, object]) => (kind ? refusalsOf(kind, object) : []));
}

function refusalsOf({ kind, properties }: KindInfo, object: Fields): string[] {
  const { name } = (object["metadata"] ?? {}) as Fields;
  const errors = validate({ type: "object", properties }, object);
  return [
    ...(name === undefined ? [`${kind} without name`] : []),
    // The webhooks refuse that, whatever the kind.
    ...("spec" in properties && !object["spec"] ? [`${kind} without spec`] : []),
    ...errors.map(({ field, type }) => `${kind} ${field.replaceAll(/\[\d+\]/g, "[]")} ${type}`),
  ];
}

/** Whether a rollout is none that a controller wants or has written: what it wants adds up, and all are sorted. */
function isForeignRollout({ op, current, previous }: Fields): boolean {
  if (op !== "rollout") return false;
  const isSorted = ({ configurations = [] }: Rollout) =>
    isDeepStrictEqual(sortRollouts(configurations), configurations);
  return ![current, previous ?? {}].every((state) => isSorted(state as Rollout)) || !isValid(current as Rollout);
}

/** What recorded requests have as well: what webhooks fill in, and lists that Go writes as null. */
const tolerated = new Set(recorded.flatMap(refusals));

/** Whether two items of a list are one and the same object, condition or configuration: no API server holds such. */
function holdsTwins(value: unknown, name = ""): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value) && name !== "traffic") {
    const identities = value.map(identityOf).filter((identity) => identity !== undefined);
    if (new Set(identities).size < identities.length) return true;
  }
  return Object.entries(value).some(([field, part]) => holdsTwins(part, field));
}

function identityOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const { kind, metadata, type, name, configurationName, tag, revisionName } = item as Fields;
  return JSON.stringify([
    kind,
    (metadata as Fields | undefined)?.["name"],
    type,
    name,
    configurationName,
    tag,
    revisionName,
  ]);
}

const random = dice(Number(values.seed));
const byKind = Object.values(Object.groupBy(recorded, kindOf)).map((requests) => requests!);
for (let count = 0; count < Number(values.count); ) {
  const request = cross(random.pick(random.pick(byKind)), random);
  if (holdsTwins(request) || isForeignRollout(request)) continue;
  if (refusals(request).some((refusal) => !tolerated.has(refusal))) continue;
  console.log(JSON.stringify({ ...request, id: `crossed-${values.seed}-${count}` }));
  count += 1;
}
