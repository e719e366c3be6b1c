import type { Schema } from "../../apis/schema.ts";
import { badRequest } from "./status-errors.ts";
import { type Fields, fieldOf, isDeepEqual, isMap } from "./typed-values.ts";

const directive = "$patch";
const orderPrefix = "$setElementOrder/";
const primitivePrefix = "$deleteFromPrimitiveList/";
const retainKeys = "$retainKeys";

/**
 * Applies a strategic merge patch: maps merge, null removes, lists merge where the schema has a patch strategy.
 * Source: k8s.io/apimachinery util/strategicpatch.
 */
export function strategicMerge(target: Fields, patch: Fields, schema: Schema | undefined): Fields {
  const strategyOfMap = patch[directive];
  if (strategyOfMap === "replace") return without(patch, directive);
  if (strategyOfMap === "delete") return {};
  if (strategyOfMap !== undefined && strategyOfMap !== "merge") {
    throw badRequest(`unknown patch type found: ${String(strategyOfMap)} in map`);
  }
  const result: Fields = retained(target, patch[retainKeys]);
  for (const [key, value] of Object.entries(patch)) {
    if (key === directive || key === retainKeys || key.startsWith(orderPrefix)) continue;
    if (key.startsWith(primitivePrefix)) {
      const name = key.slice(primitivePrefix.length);
      const doomed = Array.isArray(value) ? value : [];
      const list = result[name];
      if (Array.isArray(list)) {
        result[name] = list.filter((item) => !doomed.some((other) => isDeepEqual(item, other)));
      }
      continue;
    }
    if (value === null) {
      delete result[key];
      continue;
    }
    const before = Object.hasOwn(result, key) ? result[key] : undefined;
    result[key] = mergeField(before, value, fieldOf(schema, key), patch[`${orderPrefix}${key}`]);
  }
  // An order without a change of the list still sorts it.
  for (const [key, order] of Object.entries(patch)) {
    const name = key.startsWith(orderPrefix) ? key.slice(orderPrefix.length) : undefined;
    const list = name === undefined || Object.hasOwn(patch, name) ? undefined : result[name];
    if (name !== undefined && Array.isArray(list) && Array.isArray(order)) {
      result[name] = sorted(list, list, order, mergeKeyOf(fieldOf(schema, name)));
    }
  }
  return result;
}

function mergeField(current: unknown, value: unknown, schema: Schema | undefined, order: unknown): unknown {
  if (isMap(value)) {
    // The merged result of a patch over nothing still must not contain directives.
    return strategicMerge(isMap(current) && !replaces(schema) ? current : {}, value, schema);
  }
  if (!Array.isArray(value)) return value;
  const strategy = schema?.["x-kubernetes-patch-strategy"] ?? (mergeKeyOf(schema) ? "merge" : undefined);
  const merges = strategy?.includes("merge") ?? false;
  const directives = value.filter((item) => isMap(item) && directive in item) as Fields[];
  const items = value.filter((item) => !(isMap(item) && directive in item && item[directive] !== "merge"));
  const clean = items.map((item) => (isMap(item) ? withoutDirectives(item) : item));
  if (!merges || directives.some((item) => item[directive] === "replace")) return clean;
  const key = mergeKeyOf(schema);
  const list = Array.isArray(current) ? current : [];
  const merged = key
    ? mergeKeyed(list, items, directives, key, schema?.items)
    : [...list, ...items.filter((item) => !list.some((other) => isDeepEqual(item, other)))];
  const wanted = Array.isArray(order) ? order : items;
  return sorted(merged, list, wanted, key);
}

const replaces = (schema: Schema | undefined) => schema?.["x-kubernetes-patch-strategy"] === "replace";
const mergeKeyOf = (schema: Schema | undefined) => schema?.["x-kubernetes-patch-merge-key"];

function mergeKeyed(
  list: readonly unknown[],
  items: readonly unknown[],
  directives: readonly Fields[],
  key: string,
  schema: Schema | undefined,
): unknown[] {
  const keyOf = (item: unknown) => {
    if (!isMap(item) || item[key] === undefined) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    }
    return item[key];
  };
  const doomed: unknown[] = directives.filter((item) => item[directive] === "delete").map(keyOf);
  const result = list.filter((item) => !doomed.includes(isMap(item) ? item[key] : undefined));
  for (const item of items) {
    const name = keyOf(item);
    const index = result.findIndex((other) => isMap(other) && other[key] === name);
    const merged = strategicMerge(index < 0 ? {} : (result[index] as Fields), item as Fields, schema);
    if (index < 0) result.push(merged);
    else result[index] = merged;
  }
  return result;
}

/** Puts the named elements in the order asked for; the others keep their place relative to their old neighbours. New ones come first. */
function sorted(
  list: readonly unknown[],
  before: readonly unknown[],
  order: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const nameOf = (item: unknown) => JSON.stringify(key && isMap(item) ? item[key] : item);
  const wanted = order.map(nameOf);
  const places = new Map(before.map((item, index) => [nameOf(item), index]));
  const placeOf = (item: unknown) => places.get(nameOf(item)) ?? -1;
  const listed = list.filter((item) => wanted.includes(nameOf(item)));
  const others = list.filter((item) => !wanted.includes(nameOf(item)));
  listed.sort((a, b) => wanted.indexOf(nameOf(a)) - wanted.indexOf(nameOf(b)));
  const result: unknown[] = [];
  let next = 0;
  for (const item of listed) {
    while (next < others.length && placeOf(others[next]) < placeOf(item)) result.push(others[next++]);
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}

function retained(target: Fields, keys: unknown): Fields {
  if (!Array.isArray(keys)) return { ...target };
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
}

function without(value: Fields, key: string): Fields {
  const { [key]: _, ...rest } = value;
  return rest;
}

function withoutDirectives(value: Fields): Fields {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith("$")));
}
