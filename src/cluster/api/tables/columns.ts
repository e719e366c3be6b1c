import type { Column } from "../resource.ts";
import { age } from "./table.ts";

export const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace.",
  cell: (object) => object.metadata.name,
};

export const ageColumn: Column = {
  name: "Age",
  type: "string",
  description: "When the object was created.",
  cell: (object, nowMs) => age(object.metadata.creationTimestamp, nowMs),
};

/** For kinds without columns of their own. */
export const defaultColumns: readonly Column[] = [
  nameColumn,
  {
    name: "Created At",
    type: "date",
    description: "When the object was created.",
    cell: (object) => object.metadata.creationTimestamp,
  },
];

/** The columns of built-in kinds, by storage key. */
export const builtInColumns: Readonly<Record<string, readonly Column[]>> = {};
