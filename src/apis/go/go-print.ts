import { goQuantityFields } from "./go-quantity.ts";
import { type GoField, type GoType, structOf } from "./go-types.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What stands for the address that Go prints in place of what a pointer to a number, truth value or text points to. */
const address = "0xADDR";

/** A value as Go's `%+v` prints it. Absent values are Go's zero values. */
export function printGo(type: GoType, value: unknown): string {
  if (type.startsWith("*")) {
    const target = type.slice(1);
    if (structOf(target)) return value === undefined ? "nil" : printOwn(target, value);
    if (target === "Quantity") return value === undefined ? "<nil>" : String(value);
    return value === undefined ? "<nil>" : address;
  }
  if (type.startsWith("[]")) {
    return `[${((value ?? []) as unknown[]).map((item) => printGo(type.slice(2), item)).join(" ")}]`;
  }
  const struct = structOf(type);
  if (struct)
    return `{${struct.fields.map((field) => `${field.name}:${printGo(field.type, fieldValue(field, value))}`).join(" ")}}`;
  switch (type) {
    case "map":
      return `map[${sortedEntries(value)
        .map(([key, item]) => `${key}:${item}`)
        .join(" ")}]`;
    case "ResourceList":
      return `map[${sortedEntries(value)
        .map(([key, item]) => `${key}:${printGo("Quantity", item)}`)
        .join(" ")}]`;
    case "Quantity": {
      const { amount, scale, text, format, isLarge } = goQuantityFields(value);
      return `{i:{value:${amount} scale:${scale}} d:{Dec:${isLarge ? address : "<nil>"}} s:${text} Format:${format}}`;
    }
    case "IntOrString": {
      const { kind, number, text } = goIntOrString(value);
      return `{Type:${kind} IntVal:${number} StrVal:${text}}`;
    }
    default:
      return printScalar(type, value);
  }
}

/** A struct as its own String method prints it: `&Probe{...}`. */
function printOwn(type: GoType, value: unknown): string {
  const fields = structOf(type)!.printed.map(
    (field) => `${field.name}:${printOwnField(field.type, fieldValue(field, value))},`,
  );
  return `&${type}{${fields.join("")}}`;
}

function printOwnField(type: GoType, value: unknown): string {
  if (type.startsWith("*")) {
    const target = type.slice(1);
    if (target === "LabelSelector") return value === undefined ? "nil" : printOwn(target, value).replace("&", "&v1.");
    if (structOf(target)) return value === undefined ? "nil" : printOwn(target, value);
    if (target === "Quantity") return value === undefined ? "<nil>" : String(value);
    return value === undefined ? "nil" : `*${printScalar(target, value)}`;
  }
  if (type.startsWith("[]")) {
    const item = type.slice(2);
    const items = (value ?? []) as unknown[];
    if (!structOf(item)) return printGo(type, items);
    return `[]${item}{${items.map((element) => `${printOwn(item, element).slice(1)},`).join("")}}`;
  }
  if (structOf(type)) return printOwn(type, value).slice(1);
  switch (type) {
    case "map":
      return `map[string]string{${sortedEntries(value)
        .map(([key, item]) => `${key}: ${item},`)
        .join("")}}`;
    case "ResourceList":
      return `ResourceList{${sortedEntries(value)
        .map(([key, item]) => `${key}: ${printOwnField("Quantity", item)},`)
        .join("")}}`;
    case "Quantity": {
      const { amount, scale, text, format, isLarge } = goQuantityFields(value);
      return `{{${amount} ${scale}} {${isLarge ? address : "<nil>"}} ${text} ${format}}`;
    }
    case "IntOrString": {
      const { kind, number, text } = goIntOrString(value);
      return `{${kind} ${number} ${text}}`;
    }
    default:
      return printScalar(type, value);
  }
}

function printScalar(type: GoType, value: unknown): string {
  if (value !== undefined) return String(value);
  return type === "string" ? "" : type === "bool" ? "false" : "0";
}

/** The parts of Go's IntOrString. */
export function goIntOrString(value: unknown): { kind: 0 | 1; number: number; text: string } {
  return typeof value === "string"
    ? { kind: 1, number: 0, text: value }
    : { kind: 0, number: Number(value ?? 0), text: "" };
}

/** What a field holds; an embedded type's fields are those of the whole. */
export function fieldValue(field: GoField, whole: unknown): unknown {
  return field.json === undefined ? whole : (whole as Fields | undefined)?.[field.json];
}

export function sortedEntries(value: unknown): readonly (readonly [string, unknown])[] {
  return Object.entries((value ?? {}) as Fields).sort(([a], [b]) => (a < b ? -1 : 1));
}
