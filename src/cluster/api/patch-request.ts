import type { Api, Call, WriteOptions } from "./call.ts";
import { applyConfiguration } from "./managed-fields.ts";
import { applyPatch, type PatchType } from "./patch.ts";
import { groupVersion, type Item } from "./resource.ts";
import { badRequest, invalid, required, unsupportedMediaType } from "./status-errors.ts";
import { type Fields, isMap } from "./typed-values.ts";
import { decodeItem, fitItem, managerOf, ownershipOf, type Place, update } from "./write.ts";

/** Applies a PATCH of any type to an object or to its status. Server-side apply also creates. */
export async function patchObject(
  api: Api,
  call: Call,
  place: Place,
  type: PatchType,
  body: unknown,
  options: WriteOptions,
): Promise<{ item: Item; created: boolean }> {
  const { resource } = place;
  const forced = call.query.get("force");
  if (type === "apply") return serverSideApply(api, call, place, body, forced === "true" || forced === "1", options);
  if (forced !== null) {
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
    const patched = applyPatch(type, stored as unknown as Fields, body, resource.schema);
    // Identity may not be patched away; an object without it is the same object.
    patched["apiVersion"] ??= groupVersion(resource);
    patched["kind"] ??= resource.kind;
    if (patched["kind"] !== resource.kind || patched["apiVersion"] !== groupVersion(resource)) {
      throw badRequest(
        `the patched object is a ${String(patched["kind"])} of ${String(patched["apiVersion"])}, not a ${resource.kind} of ${groupVersion(resource)}`,
      );
    }
    return fitItem(resource, patched, options, call, "error decoding patch: ");
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

async function serverSideApply(
  api: Api,
  call: Call,
  place: Place,
  body: unknown,
  force: boolean,
  options: WriteOptions,
): Promise<{ item: Item; created: boolean }> {
  const { resource, name, namespace } = place;
  if (!call.query.get("fieldManager")) {
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      required("fieldManager", "is required for apply patch"),
    ]);
  }
  const applied = decodeItem(resource, body, options, call);
  applied.metadata.name ??= name;
  if (resource.namespaced) applied.metadata.namespace ??= namespace;
  const manager = managerOf(place, options);
  const make = (stored: Item | undefined): Item => {
    const context = ownershipOf(api, place);
    return applyConfiguration(stored, structuredClone(applied), manager, force, context) as Item;
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
