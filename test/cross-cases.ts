/**
 * Makes new requests for `npm run answer` out of the recorded ones: parts of a request are replaced by what another one
 * of the same operation has at that place, or taken out. Prints one request a line, the same ones for the same seed.
 *
 *   node test/cross-cases.ts --seed 1 --count 5000 [--ops traffic,rollout,gc,reconcile,make]
 *
 * Answered by upstream and by us, they show differences that nobody thought of.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
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
  .map((line) => (JSON.parse(line) as { request: Fields }).request)
  .filter(({ op }) => wanted.has(op as string));

const kindOf = ({ op, controller = "", resource = "" }: Fields) => `${op} ${controller}${resource}`;

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
    if (random.roll(8) === 0 && !Array.isArray(holder) && /\.(status|metadata|spec)\./.test(path)) delete holder[name];
    else holder[name] = structuredClone(random.pick(seen.get(path)!));
  }
  return crossed;
}

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
  if (holdsTwins(request)) continue;
  console.log(JSON.stringify({ ...request, id: `crossed-${values.seed}-${count}` }));
  count += 1;
}
