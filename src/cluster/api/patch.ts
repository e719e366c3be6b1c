import jsonPatch from "fast-json-patch";
import type { Schema } from "../../apis/schema.ts";
import { badRequest, statusError } from "./status-errors.ts";
import { strategicMerge } from "./strategic-merge.ts";
import { cloneJson, type Fields, isMap } from "./typed-values.ts";

export type PatchType = "json" | "merge" | "strategic" | "apply";

const typesByMedia: Readonly<Record<string, PatchType>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
  "application/apply-patch+json": "apply",
};

const maxOperations = 10_000;

/** The patch type that a Content-Type names; undefined for others. */
export function patchTypeOf(mediaType: string): PatchType | undefined {
  return typesByMedia[mediaType];
}

/** The object that a JSON, merge or strategic merge patch makes of `current`, which is not modified. */
export function applyPatch(type: Exclude<PatchType, "apply">, current: Fields, body: unknown, schema: Schema): Fields {
  if (type === "json") return applyJsonPatch(current, body);
  if (!isMap(body)) throw badRequest("couldn't get version/kind; json parse error: the patch is not an object");
  return type === "merge" ? (mergePatch(current, body) as Fields) : strategicMerge(current, body, schema);
}

/** RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Fields = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** RFC 6902. A patch that is no patch is a 400; one that does not fit the object (a failed test) is a 422. */
function applyJsonPatch(current: Fields, body: unknown): Fields {
  if (!Array.isArray(body)) throw badRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  if (body.length > maxOperations) {
    throw statusError(
      413,
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${body.length}`,
    );
  }
  for (const operation of body) {
    const path = isMap(operation) ? operation["path"] : undefined;
    if (typeof path !== "string" || /(^|\/)(__proto__|constructor|prototype)(\/|$)/.test(path)) {
      throw badRequest(`the JSON patch has an operation without a usable path: ${JSON.stringify(operation)}`);
    }
  }
  try {
    return jsonPatch.applyPatch(cloneJson(current), body, true).newDocument;
  } catch {
    // As the real server does, without the reason.
    throw statusError(422, "Invalid", "the server rejected our request due to an error in our request", {});
  }
}
