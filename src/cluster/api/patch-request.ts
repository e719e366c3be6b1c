import { type Api, type Call, isSet, type WriteOptions } from "./call.ts";
import { fitItem } from "./decode-item.ts";
import { applyConfiguration } from "./managed-fields.ts";
import { managerOf, ownershipOf } from "./ownership.ts";
import { applyPatch, type PatchType } from "./patch.ts";
import type { Place } from "./place.ts";
import { groupVersion, type Item } from "./resource.ts";
import { badRequest, invalid, invalidValue, required, unsupportedMediaType } from "./status-errors.ts";
import type { Stored } from "./storage.ts";
import { cloneJson, type Fields, isMap } from "./typed-values.ts";
import { update } from "./write.ts";

/** Applies a PATCH of any type to an object or to its status. Server-side apply also creates. */
export async function patchObject(
  api: Api,
  call: Call,
  place: Place,
  type: PatchType,
  body: unknown,
  options: WriteOptions,
): Promise<{ entry: Stored; created: boolean }> {
  const { resource } = place;
  if (type === "apply") return serverSideApply(api, call, place, body, isSet(call.query, "force"), options);
  if (call.query.has("force")) {
    const error = {
      field: "force",
      reason: "FieldValueForbidden" as const,
      text: "Forbidden: may not be specified for non-apply patch",
    };
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [error]);
  }
  if (type === "strategic" && resource.custom) {
    throw unsupportedMediaType([
      "application/json-patch+json",
      "application/merge-patch+json",
      "application/apply-patch+yaml",
    ]);
  }
  const make = (stored: Item | undefined): Item => {
    const patched = applyPatch(type, cloneJson(stored) as unknown as Fields, body, resource.schema);
    // Identity may not be patched away; an object without it is the same object.
    patched["apiVersion"] ??= groupVersion(resource);
    patched["kind"] ??= resource.kind;
    if (patched["kind"] !== resource.kind || patched["apiVersion"] !== groupVersion(resource)) {
      throw badRequest(
        `the patched object is a ${String(patched["kind"])} of ${String(patched["apiVersion"])}, not a ${resource.kind} of ${groupVersion(resource)}`,
      );
    }
    return fitItem(resource, patched, options, call, { refuse: (reason) => undecodable(type, patched, body, reason) });
  };
  const namesRevision =
    type !== "json" && isMap(body) && isMap(body["metadata"]) && body["metadata"]["resourceVersion"] !== undefined;
  const request = {
    make: (stored: Item | undefined) => {
      const item = make(stored);
      // What the object was read at is no precondition unless the patch says so.
      if (!namesRevision && item.metadata.resourceVersion === stored?.metadata.resourceVersion)
        delete item.metadata.resourceVersion;
      return item;
    },
    retries: !namesRevision,
    creates: false,
  };
  return update(api, call, place, request, options);
}

/** The refusal of a patch whose result has unknown fields. */
function undecodable(type: PatchType, patched: Fields, body: unknown, reason: string): Error {
  const shown = type === "strategic" ? printGoMap(body) : JSON.stringify(patched);
  return invalid({ group: "", kind: "" }, "", [invalidValue("patch", shown, reason)]);
}

/** Prints as Go's %v does: `map[a:1 b:[x y]]`. */
function printGoMap(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printGoMap).join(" ")}]`;
  if (!isMap(value)) return value === null ? "<nil>" : String(value);
  return `map[${Object.keys(value)
    .sort()
    .map((key) => `${key}:${printGoMap(value[key])}`)
    .join(" ")}]`;
}

async function serverSideApply(
  api: Api,
  call: Call,
  place: Place,
  body: unknown,
  force: boolean,
  options: WriteOptions,
): Promise<{ entry: Stored; created: boolean }> {
  const { resource, name, namespace } = place;
  if (!call.query.get("fieldManager")) {
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      required("fieldManager", "is required for apply patch"),
    ]);
  }
  if (!isMap(body)) throw badRequest("error decoding YAML: the body is not an object");
  const { apiVersion, kind } = body;
  if (apiVersion !== groupVersion(resource) || kind !== resource.kind) {
    const given = String(apiVersion ?? "");
    throw badRequest(`invalid object type: ${given.includes("/") ? given : `/${given}`}, Kind=${String(kind ?? "")}`);
  }
  const applied = fitItem(resource, body, options, call, { keepsEmpty: true });
  applied.metadata.name ??= name;
  if (resource.namespaced) applied.metadata.namespace ??= namespace;
  const manager = managerOf(place, options);
  const make = (stored: Item | undefined): Item => {
    const context = ownershipOf(api, place);
    const result = applyConfiguration(cloneJson(stored), cloneJson(applied), manager, force, context);
    return resource.decode(result as unknown as Fields, { unknown: [], mistyped: [] });
  };
  const request = {
    make: (stored: Item | undefined) => {
      const item = make(stored);
      const given = applied.metadata.resourceVersion;
      if (given === undefined) delete item.metadata.resourceVersion;
      return item;
    },
    retries: true,
    creates: place.subresource === "",
    tracked: true,
  };
  return update(api, call, place, request, options);
}
