import type { Page } from "./list.ts";
import { atVersion } from "./place.ts";
import { groupVersion, type Item, type ServedResource } from "./resource.ts";
import { notAcceptable } from "./status-errors.ts";
import type { Stored } from "./storage.ts";
import { makeTable } from "./tables/table.ts";

/** How the client wants objects: whole, as rows of a table, or their metadata only. */
export type View =
  | { readonly as: "Object" }
  | { readonly as: "Table"; readonly version: string; readonly include: "None" | "Metadata" | "Object" }
  | { readonly as: "PartialObjectMetadata"; readonly version: string };

const wholeObject: View = { as: "Object" };

/** Chooses the first view of an Accept header that this server has. Throws 406 when there is none. */
export function viewOf(accept: string | undefined, query: URLSearchParams): View {
  if (!accept) return wholeObject;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const named = new Map(parameters.map((parameter) => parameter.split("=", 2) as [string, string]));
    if (type !== "application/json" && type !== "*/*" && type !== "application/*") continue;
    const as = named.get("as");
    if (as === undefined) return wholeObject;
    if (named.get("g") !== "meta.k8s.io") continue;
    const version = named.get("v") ?? "v1";
    if (as === "Table") {
      const include = query.get("includeObject");
      return { as, version, include: include === "None" || include === "Object" ? include : "Metadata" };
    }
    if (as.startsWith("PartialObjectMetadata")) return { as: "PartialObjectMetadata", version };
  }
  throw notAcceptable(["application/json"]);
}

export function partialMetadata(item: Item, version: string): Record<string, unknown> {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata: item.metadata };
}

/** The JSON text of one object in the given view. */
export function renderEntry(resource: ServedResource, entry: Stored, view: View, nowMs: number): string {
  if (view.as === "Object") return jsonOf(resource, entry);
  const item = entry.object as Item;
  if (view.as === "Table")
    return JSON.stringify(
      makeTable(resource, [item], view, nowMs, { resourceVersion: item.metadata.resourceVersion ?? "" }),
    );
  return JSON.stringify(partialMetadata(item, view.version));
}

/** The JSON text of a stored object at the resource's version; the stored text itself where that is the same. */
export function jsonOf(resource: ServedResource, entry: Stored): string {
  return resource.version === resource.storageVersion
    ? entry.json
    : JSON.stringify(atVersion(resource, entry.object as Item));
}

/** The JSON text of a list. */
export function renderList(resource: ServedResource, page: Page, view: View, nowMs: number): string {
  const metadata = {
    resourceVersion: String(page.revision),
    ...((page.continue || resource.custom) && { continue: page.continue ?? "" }),
    ...(page.remaining !== undefined && page.continue && { remainingItemCount: page.remaining }),
  };
  if (view.as === "Table") {
    const items = page.entries.map((entry) => entry.object as Item);
    return JSON.stringify(makeTable(resource, items, view, nowMs, metadata));
  }
  if (view.as === "PartialObjectMetadata") {
    return JSON.stringify({
      kind: "PartialObjectMetadataList",
      apiVersion: `meta.k8s.io/${view.version}`,
      metadata,
      items: page.entries.map((entry) => partialMetadata(entry.object as Item, view.version)),
    });
  }
  const head = JSON.stringify({ kind: `${resource.kind}List`, apiVersion: groupVersion(resource), metadata });
  const items = page.entries.map((entry) => (resource.custom ? jsonOf(resource, entry) : bare(resource, entry)));
  return `${head.slice(0, -1)},"items":[${items.join(",")}]}`;
}

/** Items of built-in lists do not repeat their kind. They are stored with it in front. */
function bare(resource: ServedResource, entry: Stored): string {
  const head = `{"apiVersion":${JSON.stringify(entry.object.apiVersion)},"kind":${JSON.stringify(resource.kind)},`;
  return entry.json.startsWith(head) ? `{${entry.json.slice(head.length)}` : entry.json;
}
