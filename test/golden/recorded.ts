import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { Condition } from "../../src/apis/conditions.ts";
import { Service } from "../../src/apis/core/service.ts";
import type { Kind, ObjectOf } from "../../src/apis/kind.ts";
import { apiVersionOf } from "../../src/apis/kind.ts";
import type { KubeObject } from "../../src/apis/meta.ts";
import { parseServingConfig, type ServingConfig } from "../../src/config/serving-config.ts";
import { deepFreeze } from "../../src/lib/freeze.ts";

/**
 * What the original hakn 1.12.2 (serving v0.39.3, net-istio v0.39.1) made of an input, recorded from the program itself
 * on a cluster whenever it had settled after a step: all objects of the scenario's namespace, with symbols in place of
 * uids, times and addresses.
 */
export interface Scenario {
  readonly name: string;
  readonly config: ServingConfig;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly name: string;
  readonly objects: readonly KubeObject[];
  /** "Normal Created Created ...", by "Kind/name" of what they are about: all up to here, since events outlive their cause. */
  readonly events: Readonly<Record<string, readonly string[]>>;
}

interface Recording {
  readonly scenario: string;
  readonly steps: readonly string[];
  /** What was configured beyond what we ship. */
  readonly configMaps?: ConfigMaps;
  /** The objects, each once for all steps in which it was the same. */
  readonly objects: readonly { readonly steps: readonly string[]; readonly object: KubeObject }[];
  readonly events: readonly { readonly steps: readonly string[]; readonly object: string; readonly event: string }[];
}

type ConfigMaps = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What `<time>` in a recording is read as. */
const recordedAt = "2024-01-01T00:00:00Z";
/** When the passes of the tests are: after what is done soon, before what is given up. */
export const passedAt = "2024-01-01T00:01:00Z";
/** The sidecar image of the rig. */
const sidecarImage = "registry.local:5077/hakn/queue:v1";

const shipped = shippedConfigMaps();
const folder = new URL("recorded/", import.meta.url);

export const scenarios: readonly Scenario[] = readdirSync(folder).map((file) => {
  const text = readFileSync(new URL(file, folder), "utf8").replaceAll('"<time>"', JSON.stringify(recordedAt));
  const { scenario, steps, configMaps = {}, objects, events } = JSON.parse(text) as Recording;
  const all = objects.map(({ steps, object }) => ({ steps, object: deepFreeze(identified(object)) }));
  return {
    name: scenario,
    config: configOf(configMaps),
    steps: steps.map((name) => ({
      name,
      objects: all.filter(({ steps }) => steps.includes(name)).map(({ object }) => object),
      events: eventsByObject(events.filter(({ steps }) => steps.includes(name))),
    })),
  };
});

/** An object of a recording, and where it stands. */
export interface Subject {
  readonly scenario: Scenario;
  readonly step: Step;
  readonly object: KubeObject;
}

/** What remains of an object or status to be compared. */
// biome-ignore lint/suspicious/noExplicitAny: decoded JSON, whose few fields that tests change are theirs to know
export type Essence = any;

/** The objects of a kind. */
export function objectsOf<K extends Kind<KubeObject>>({ objects }: Step, kind: K): ObjectOf<K>[] {
  return objects.filter((object) => isOfKind(object, kind));
}

export function isOfKind<K extends Kind<KubeObject>>(object: KubeObject, kind: K): object is ObjectOf<K> {
  return object.kind === kind.kind && object.apiVersion === apiVersionOf(kind);
}

function eventsByObject(events: Recording["events"]): Step["events"] {
  const names = new Set(events.map(({ object }) => object));
  const of = (name: string) => events.filter(({ object }) => object === name).map(({ event }) => event);
  return Object.fromEntries([...names].map((name) => [name, of(name)]));
}

/** The recording has symbolic uids where objects are referred to, and leaves them out where they belong. */
function identified(object: KubeObject): KubeObject {
  const { kind, metadata } = object;
  return { ...object, metadata: { ...metadata, uid: `<uid ${kind}/${metadata.name}>` } };
}

/** The configuration that we ship, with what the scenario changed and the rig's own settings. */
function configOf(configMaps: ConfigMaps): ServingConfig {
  const rig: ConfigMaps = {
    "config-deployment": { "queue-sidecar-image": sidecarImage, "default-affinity-type": "none" },
  };
  const names = new Set([shipped, configMaps, rig].flatMap(Object.keys));
  return parseServingConfig(
    Object.fromEntries([...names].map((name) => [name, { ...shipped[name], ...configMaps[name], ...rig[name] }])),
  );
}

interface ConfigMapDocument {
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

function shippedConfigMaps(): ConfigMaps {
  const manifests = readFileSync(new URL("../../manifests/config.yaml", import.meta.url), "utf8");
  const documents = parseAllDocuments(manifests).map((document) => document.toJS() as ConfigMapDocument | null);
  return Object.fromEntries(documents.flatMap((map) => (map ? [[map.metadata.name, map.data ?? {}]] : [])));
}

/** What we decide of an object: not what the server adds, and nothing where nothing is. */
export function essence(object: KubeObject): Essence {
  const { name, namespace, labels, annotations, ownerReferences } = object.metadata;
  const { subsets, spec } = object as { spec?: object; subsets?: unknown };
  const own = isOfKind(object, Service) ? ownOfService(spec) : spec;
  return something({ name, namespace, labels, annotations, ownerReferences, spec: own, subsets }) as Essence;
}

/** A Service's spec without what the server fills in. */
function ownOfService(spec: Service["spec"] = {}): object {
  const {
    clusterIP: _,
    clusterIPs: __,
    internalTrafficPolicy: ___,
    ipFamilies: ____,
    ipFamilyPolicy,
    ...rest
  } = spec as Record<string, unknown>;
  const ports = spec.ports?.map(({ protocol = "TCP", ...port }) => ({ ...port, protocol }));
  return { type: "ClusterIP", sessionAffinity: "None", ...rest, ports };
}

/** A status without the times at which conditions changed; conditions by their type. */
export function statusEssence(status: object | undefined): Essence {
  const { conditions = [], ...rest } = (status ?? {}) as { conditions?: readonly Condition[] };
  const byType = conditions.map(({ type, lastTransitionTime: _, ...condition }) => [type, condition] as const);
  return something({ ...rest, conditions: Object.fromEntries(byType) }) as Essence;
}

function something(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(something);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, something(part)] as const);
  return Object.fromEntries(entries.filter(([, part]) => !isNothing(part)));
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
