import type { Column, Item } from "../resource.ts";
import { type Fields, isMap, mapOf, mapsIn, textOf } from "../typed-values.ts";
import { age } from "./table.ts";

export const countOf = (value: unknown): number => (typeof value === "number" ? value : 0);
export const orNone = (text: string): string => text || "<none>";

export const specOf = (object: Item): Fields => mapOf(object.spec);
export const statusOf = (object: Item): Fields => mapOf(object.status);

/** A column of text, always shown. */
export function text(name: string, description: string, cell: Column["cell"]): Column {
  return { name, type: "string", description, cell };
}

export function number(name: string, description: string, cell: Column["cell"]): Column {
  return { name, type: "integer", description, cell };
}

/** The same column, shown with `-o wide` only. */
export function wide(column: Column): Column {
  return { ...column, priority: 1 };
}

export const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace.",
  cell: (object) => object.metadata.name,
};

export const ageColumn: Column = text("Age", "When the object was created.", (object, nowMs) =>
  age(object.metadata.creationTimestamp, nowMs),
);

/** Prints a map as `a=b,c=d`. */
export function pairs(value: unknown): string {
  const entries = Object.entries(mapOf(value)).sort(([a], [b]) => (a < b ? -1 : 1));
  return orNone(entries.map(([key, part]) => `${key}=${String(part)}`).join(","));
}

/** Prints a LabelSelector as the label query that means the same. */
function selectorText(value: unknown): string {
  if (!isMap(value)) return "<none>";
  const terms = Object.entries(mapOf(value["matchLabels"]))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, part]) => `${key}=${String(part)}`);
  for (const expression of mapsIn(value["matchExpressions"])) {
    const key = textOf(expression["key"]);
    const values = (Array.isArray(expression["values"]) ? [...expression["values"]] : []).sort().join(",");
    if (expression["operator"] === "Exists") terms.push(key);
    else if (expression["operator"] === "DoesNotExist") terms.push(`!${key}`);
    else terms.push(`${key} ${textOf(expression["operator"]).toLowerCase()} (${values})`);
  }
  return orNone(terms.join(","));
}

const containersOf = (podSpec: unknown) => mapsIn(mapOf(podSpec)["containers"]);

/** The wide columns of everything that has a pod template. */
export function templateColumns(): Column[] {
  const podSpec = (object: Item) => mapOf(specOf(object)["template"])["spec"];
  return [
    wide(
      text("Containers", "Names of each container in the template.", (object) =>
        containersOf(podSpec(object))
          .map(({ name }) => textOf(name))
          .join(","),
      ),
    ),
    wide(
      text("Images", "Images referenced by each container in the template.", (object) =>
        containersOf(podSpec(object))
          .map(({ image }) => textOf(image))
          .join(","),
      ),
    ),
  ];
}

export const selectorColumn: Column = wide(
  text("Selector", "Label query for pods.", (object) => selectorText(specOf(object)["selector"])),
);
