import { apiVersionOf } from "../../src/apis/kind.ts";
import { allKinds } from "../../src/apis/kinds.ts";
import { controllerReference, type KubeObject } from "../../src/apis/meta.ts";
import { rolloutAnnotation } from "../../src/apis/networking/labels.ts";
import { runController } from "../../src/main/answer/reconcile.ts";

/** A cluster on its way: what the API server holds, and how the control plane is configured. */
export interface World {
  objects: KubeObject[];
  /** By name of the ConfigMap. */
  config: Record<string, Record<string, string>>;
  /** RFC 3339. It stays: time goes by when all that is recorded gets older. */
  readonly now: string;
  made: number;
}

/** An object as JSON, whose fields the makers of cases change as they like. */
// biome-ignore lint/suspicious/noExplicitAny: the cases go beyond what the types of single kinds allow
export type Loose = any;

export interface Request {
  readonly op: "reconcile";
  readonly controller: string;
  readonly key: string;
  readonly objects: readonly KubeObject[];
  readonly configMaps: Readonly<Record<string, { readonly data: Readonly<Record<string, string>> }>>;
  readonly now: string;
}

/** The namespace of all cases. */
export const namespace = "ns";
export const serving = "serving.knative.dev/v1";

const hourMs = 3_600_000;

/** Puts an object into the world with what an API server gives it. Born an hour ago, as what is younger is treated apart. */
export function add(world: World, object: { apiVersion: string; kind: string; metadata: object } & object): Loose {
  world.made += 1;
  const born = new Date(Date.parse(world.now) - hourMs).toISOString().replace(".000", "");
  const metadata = { creationTimestamp: born, generation: 1, uid: `uid-${world.made}`, ...object.metadata };
  const added = { ...object, metadata } as unknown as KubeObject;
  world.objects.push(added);
  return added;
}

export function ofKind(world: World, ...names: string[]): Loose[] {
  return world.objects.filter(
    ({ kind, apiVersion }) => names.includes(kind) || names.includes(`${apiVersion} ${kind}`),
  );
}

/** How the control plane is configured, as requests say it. */
export function configMapsOf(world: World): Request["configMaps"] {
  return Object.fromEntries(Object.entries(world.config).map(([name, data]) => [name, { data }]));
}

/** What a pass of a controller is asked with. */
export function requestOf(world: World, controller: string, { metadata }: KubeObject): Request {
  endpointsForSelectors(world);
  const configMaps = configMapsOf(world);
  return structuredClone({
    op: "reconcile",
    controller,
    key: `${metadata.namespace}/${metadata.name}`,
    objects: world.objects,
    configMaps,
    now: world.now,
  });
}

/** Lets our controller make the pass, and the world be what it leaves. Returns whether there was anything to do or tell. */
export async function pass(world: World, request: Request): Promise<boolean> {
  const { client, actions, events: told } = await runController(request);
  const before = new Map(world.objects.map((object) => [idOf(object), object]));
  const written = actions.flatMap(({ verb, object }) => (verb === "create" && object ? [object] : []));
  const refs = new Map([...before, ...written.map((object) => [idOf(object), object] as const)]);
  world.objects = [];
  for (const [id, ref] of refs) {
    const kind = allKinds.find((kind) => kind.kind === ref.kind && apiVersionOf(kind) === ref.apiVersion)!;
    const stored: Loose = client.stored({ ...kind }, ref.metadata);
    if (!stored) continue;
    delete stored.metadata.resourceVersion;
    const old: Loose = before.get(id);
    if (old) world.objects.push(old.spec === undefined || isSame(old.spec, stored.spec) ? stored : grown(stored));
    else add(world, stored);
  }
  collect(world);
  return actions.length + told.length > 0;
}

/** Kubernetes has Endpoints for each Service that selects pods. */
function endpointsForSelectors(world: World): void {
  const endpoints = new Set(ofKind(world, "Endpoints").map(({ metadata }) => metadata.name));
  for (const { metadata, spec } of ofKind(world, "v1 Service")) {
    const { name, namespace } = metadata;
    if (spec.selector && !endpoints.has(name))
      add(world, { apiVersion: "v1", kind: "Endpoints", metadata: { name, namespace } });
  }
}

/** What is deleted goes at once unless a finalizer holds it, and takes what it owns along. */
export function remove(world: World, object: KubeObject): void {
  if (object.metadata.finalizers?.length) object.metadata.deletionTimestamp ??= world.now;
  else world.objects = world.objects.filter((other) => other !== object);
  collect(world);
}

function collect(world: World): void {
  const isGone = ({ metadata }: KubeObject) => metadata.deletionTimestamp && !metadata.finalizers?.length;
  for (let settled = false; !settled; ) {
    const uids = new Set(world.objects.map(({ metadata }) => metadata.uid));
    const isOrphan = ({ metadata: { ownerReferences = [] } }: KubeObject) =>
      ownerReferences.length > 0 && ownerReferences.every(({ uid }) => !uids.has(uid));
    const lost = world.objects.filter((object) => isOrphan(object) && !object.metadata.deletionTimestamp);
    for (const object of lost) object.metadata.deletionTimestamp = world.now;
    const left = world.objects.filter((object) => !isGone(object));
    settled = left.length === world.objects.length;
    world.objects = left;
  }
}

/** A change of the spec, as the API server counts it. */
export function grown<T extends KubeObject>(object: T): T {
  object.metadata.generation = (object.metadata.generation ?? 0) + 1;
  return object;
}

export function own(object: Loose, owner: KubeObject): void {
  object.metadata.ownerReferences = [controllerReference(owner)];
}

/** Makes everything that is recorded older. */
export function age(world: World, ms: number): void {
  world.objects = aged(world.objects, ms) as KubeObject[];
}

function aged(value: unknown, ms: number, name = ""): unknown {
  if (typeof value === "string") {
    if (name === rolloutAnnotation) return agedRollout(value, ms);
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return value;
    return new Date(Date.parse(value) - ms).toISOString().replace(".000", "");
  }
  if (Array.isArray(value)) return value.map((part) => aged(part, ms));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, aged(part, ms, key)]));
}

function agedRollout(text: string, ms: number): string {
  return text.replace(
    /"(starttime|nextStepTime)":(\d+)/g,
    (_, name, ns) => `"${name}":${BigInt(ns) - BigInt(ms) * 1_000_000n}`,
  );
}

function idOf({ apiVersion, kind, metadata }: KubeObject): string {
  return `${apiVersion} ${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
