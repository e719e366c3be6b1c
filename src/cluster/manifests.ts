import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { type KubeObject, keyOf } from "../apis/meta.ts";
import { mergePatch } from "./api/patch.ts";

/** The images that our own programs run from, by the name that the manifests use (`hakn://NAME`). */
export type Images = Readonly<Record<"controlplane" | "autoscaler" | "queue-proxy", string>>;

/** A manifest that is not valid YAML or holds something else than Kubernetes objects. */
class ManifestError extends Error {}

/** Reads the objects of a YAML text; `source` names it in errors. Empty documents are left out. */
export function parseManifest(text: string, source: string): KubeObject[] {
  return parseAllDocuments(text, { version: "1.1" }).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new ManifestError(`${source}: ${error.message}`, { cause: error });
    const object = document.toJS() as Partial<KubeObject> | null;
    if (object === null) return [];
    if (!object.apiVersion || !object.kind || !object.metadata?.name) {
      throw new ManifestError(`${source}: a document has no apiVersion, kind or metadata.name`);
    }
    return [object as KubeObject];
  });
}

/** All objects of a directory's YAML files, not of those below it. */
export function readManifests(directory: string): KubeObject[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .flatMap((name) => parseManifest(readFileSync(join(directory, name), "utf8"), join(directory, name)));
}

/** Puts real image references in the place of `hakn://NAME`, wherever they stand. */
export function resolveImages<T>(object: T, images: Images): T {
  if (typeof object === "string") {
    const name = /^hakn:\/\/(.+)$/.exec(object)?.[1];
    if (name === undefined) return object;
    if (!(name in images)) throw new ManifestError(`there is no image called ${object}`);
    return images[name as keyof Images] as T;
  }
  if (Array.isArray(object)) return object.map((item) => resolveImages(item, images)) as T;
  if (typeof object !== "object" || object === null) return object;
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, resolveImages(value, images)])) as T;
}

/**
 * Puts objects into the order in which they can be applied: definitions and namespaces first, webhook configurations
 * last, so that they do not stand in the way of what makes them work.
 */
export function inApplyOrder(objects: readonly KubeObject[]): KubeObject[] {
  const rank = (object: KubeObject): number => {
    if (object.kind === "Namespace" || object.kind === "CustomResourceDefinition") return 0;
    if (object.kind.endsWith("WebhookConfiguration")) return 3;
    return object.kind === "StatefulSet" || object.kind === "Deployment" ? 2 : 1;
  };
  return objects.toSorted((a, b) => rank(a) - rank(b));
}

/**
 * Merges each object of an overlay (a JSON merge patch: null removes) into its namesake; one without a namesake is added.
 */
export function applyOverlay(objects: readonly KubeObject[], overlay: readonly KubeObject[]): KubeObject[] {
  const identity = (object: KubeObject) => `${object.apiVersion} ${object.kind} ${keyOf(object)}`;
  const patches = new Map(overlay.map((object) => [identity(object), object]));
  const merged = objects.map((object) => {
    const patch = patches.get(identity(object));
    patches.delete(identity(object));
    return patch ? (mergePatch(object, patch) as KubeObject) : object;
  });
  return [...merged, ...patches.values()];
}
