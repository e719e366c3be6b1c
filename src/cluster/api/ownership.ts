import { isoTime } from "../../lib/iso-time.ts";
import type { Api, WriteOptions } from "./call.ts";
import { type FieldOwnership, type Manager, topLevelFields, trackUpdate } from "./managed-fields.ts";
import type { Place } from "./place.ts";
import { groupVersion, type Item, type ServedResource } from "./resource.ts";
import type { Fields } from "./typed-values.ts";

const mainReset = topLevelFields(["status"]);
const nothingReset = topLevelFields();
const builtInStatusReset = topLevelFields(["spec"], ["metadata", "labels"]);
const customStatusReset = topLevelFields(
  ["spec"],
  ...[
    "annotations",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "labels",
    "ownerReferences",
  ].map((name) => ["metadata", name]),
);

/** What this door never writes, so that it does not count as owned by whoever sends it. */
export function ownershipOf(api: Api, { resource, subresource }: Place): FieldOwnership {
  const status = resource.custom ? customStatusReset : builtInStatusReset;
  const resetFields = subresource === "status" ? status : resource.subresources.status ? mainReset : nothingReset;
  return { schema: resource.schema, resetFields, blank: blankOf(resource), now: isoTime(api.clock.now()) };
}

/** What Go prints for a kind's zero value: structs are there, whatever is in them. */
function blankOf({ custom, kind, schema }: ServedResource): Fields {
  const blank: Fields = { apiVersion: null, kind: null, metadata: { creationTimestamp: null } };
  if (custom) return blank;
  for (const name of ["spec", "status"]) if (schema.properties?.[name]) blank[name] = {};
  if (schema.properties?.["spec"]?.properties?.["template"]) {
    const template = { metadata: { creationTimestamp: null }, spec: { containers: null } };
    blank["spec"] = {
      selector: null,
      template,
      ...(kind === "Deployment" && { strategy: {} }),
      ...(kind === "StatefulSet" && { updateStrategy: {} }),
    };
  }
  if (kind === "CustomResourceDefinition") blank["spec"] = { names: {} };
  if (kind === "HorizontalPodAutoscaler") blank["spec"] = { scaleTargetRef: {} };
  if (kind === "Pod") blank["spec"] = { containers: null };
  if (kind === "Service") blank["status"] = { loadBalancer: {} };
  if (kind === "Event") for (const name of ["involvedObject", "source"]) blank[name] = {};
  return blank;
}

export function managerOf(place: Place, options: WriteOptions): Manager {
  return { name: options.fieldManager, apiVersion: groupVersion(place.resource), subresource: place.subresource };
}

/** Settles metadata.managedFields of an object that somebody sends, in place. */
export function track(api: Api, place: Place, stored: Item | undefined, item: Item, options: WriteOptions): void {
  const fields = trackUpdate(stored, item, managerOf(place, options), ownershipOf(api, place));
  if (fields === undefined || fields.length === 0) delete item.metadata.managedFields;
  else item.metadata.managedFields = fields;
}
