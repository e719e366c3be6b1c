import type { Api, Call, WriteOptions } from "./call.ts";
import { getEntry } from "./list.ts";
import { applyPatch, type PatchType } from "./patch.ts";
import type { Place } from "./place.ts";
import type { Item } from "./resource.ts";
import { badRequest, invalid, invalidValue, modifiedMeanwhile } from "./status-errors.ts";
import { cloneJson, type Fields, isMap } from "./typed-values.ts";
import { update } from "./write.ts";

/** The Scale (autoscaling/v1) of an object: how many replicas it asks for and has. */
function scaleOf(place: Place, item: Item): Fields {
  const paths = place.resource.subresources.scale!;
  const selector = paths.labelSelectorPath === undefined ? undefined : valueAt(item, paths.labelSelectorPath);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = item.metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: valueAt(item, paths.specReplicasPath) ? { replicas: valueAt(item, paths.specReplicasPath) } : {},
    status: {
      replicas: valueAt(item, paths.statusReplicasPath) ?? 0,
      ...(selector !== undefined && { selector: typeof selector === "string" ? selector : selectorText(selector) }),
    },
  };
}

/** Reads the scale of a stored object. */
export function getScale(api: Api, place: Place): Fields {
  return scaleOf(place, getEntry(api, place.resource, place.namespace, place.name).object as Item);
}

/** Writes `spec.replicas` through a Scale that is sent whole (`type` undefined) or as a patch. */
export async function writeScale(
  api: Api,
  call: Call,
  place: Place,
  type: PatchType | undefined,
  body: unknown,
  options: WriteOptions,
): Promise<Fields> {
  const { resource, name } = place;
  const make = (stored: Item | undefined): Item => {
    const item = cloneJson(stored!);
    const current = scaleOf(place, item);
    if (type === "apply")
      throw badRequest("apply patches of the scale subresource are not supported; use a merge patch");
    const scale = type === undefined ? body : applyPatch(type, current, body, {});
    if (!isMap(scale) || scale["kind"] !== "Scale") throw badRequest("expected a Scale of autoscaling/v1");
    const replicas = isMap(scale["spec"]) ? (scale["spec"]["replicas"] ?? 0) : 0;
    if (!Number.isInteger(replicas) || (replicas as number) < 0) {
      throw invalid({ group: "autoscaling", kind: "Scale" }, name, [
        invalidValue("spec.replicas", replicas, "must be greater than or equal to 0"),
      ]);
    }
    const given = isMap(scale["metadata"]) ? scale["metadata"]["resourceVersion"] : undefined;
    if (given && given !== item.metadata.resourceVersion)
      throw modifiedMeanwhile({ group: resource.group, resource: resource.plural }, name);
    setAt(item, resource.subresources.scale!.specReplicasPath, replicas);
    delete item.metadata.resourceVersion;
    return item;
  };
  const { entry } = await update(
    api,
    call,
    { ...place, subresource: "" },
    { make, retries: true, creates: false },
    options,
  );
  return scaleOf(place, entry.object as Item);
}

function segments(path: string): string[] {
  return path.split(".").filter((part) => part !== "");
}

function valueAt(item: Item, path: string): unknown {
  return segments(path).reduce<unknown>((value, name) => (isMap(value) ? value[name] : undefined), item);
}

function setAt(item: Item, path: string, value: unknown): void {
  const names = segments(path);
  let target = item as Fields;
  for (const name of names.slice(0, -1)) {
    if (!isMap(target[name])) target[name] = {};
    target = target[name] as Fields;
  }
  target[names.at(-1)!] = value;
}

function selectorText(selector: unknown): string {
  if (!isMap(selector)) return "";
  const labels = Object.entries((selector["matchLabels"] as Record<string, string> | undefined) ?? {});
  const terms = labels.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
  const expressions =
    (selector["matchExpressions"] as { key: string; operator: string; values?: string[] }[] | undefined) ?? [];
  for (const { key, operator, values = [] } of expressions) {
    if (operator === "Exists") terms.push(key);
    else if (operator === "DoesNotExist") terms.push(`!${key}`);
    else terms.push(`${key} ${operator.toLowerCase()} (${[...values].sort().join(",")})`);
  }
  return terms.join(",");
}
