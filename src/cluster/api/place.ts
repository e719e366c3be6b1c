import { groupVersion, type Item, type ServedResource } from "./resource.ts";

/** Where a write goes. */
export interface Place {
  readonly resource: ServedResource;
  readonly namespace: string;
  readonly name: string;
  /** "" or "status". */
  readonly subresource: string;
}

/** The object as the given version of its kind. All versions share one schema, so only the name changes. */
export function atVersion(resource: ServedResource, item: Item): Item {
  const wanted = groupVersion(resource);
  return item.apiVersion === wanted ? item : { ...item, apiVersion: wanted };
}

export function atStorageVersion(resource: ServedResource, item: Item): Item {
  const { storageVersion, group } = resource;
  const apiVersion = group === "" ? storageVersion : `${group}/${storageVersion}`;
  const { kind, metadata, apiVersion: _, ...rest } = item;
  return { apiVersion, kind, metadata, ...rest };
}
