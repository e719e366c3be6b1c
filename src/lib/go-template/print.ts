import { formatGoFloat } from "../go-number.ts";
import { goQuote } from "../go-quote.ts";
import { printed, type TemplateValue, typeOf } from "./value.ts";

/** Prints values one after the other, with a space between two that are no strings. Source: Go fmt.Sprint. */
export function sprint(values: readonly TemplateValue[]): string {
  let text = "";
  for (const [index, value] of values.entries()) {
    const previous = values[index - 1];
    if (index > 0 && typeof value !== "string" && typeof previous !== "string") text += " ";
    text += printed(value);
  }
  return text;
}

const directive = /%([-+# 0]*)(\*|\d*)(?:\.(\*|\d*))?(.?)/gsu;

/** Prints by a format with the verbs v, s, q, d, t, T, c, x, X, o, b, e, f, g and %. Source: Go fmt.Sprintf. */
export function sprintf(format: string, values: readonly TemplateValue[]): string {
  let used = 0;
  const size = (text: string | undefined): number | undefined => {
    if (text === "*") return Number(values[used++]);
    return text === undefined ? undefined : Number(text);
  };
  const text = format.replaceAll(
    directive,
    (_, flags: string, widthText: string, precisionText: string | undefined, verb: string) => {
      const width = widthText === "" ? undefined : size(widthText);
      const precision = size(precisionText);
      if (verb === "%") return "%";
      if (verb === "") return "%!(NOVERB)";
      if (used >= values.length) return `%!${verb}(MISSING)`;
      return pad(one(verb, flags, precision, values[used++]), width, flags, verb);
    },
  );
  const extra = values.slice(used);
  if (extra.length === 0) return text;
  return `${text}%!(EXTRA ${extra.map((value) => (value === undefined ? "<nil>" : `${typeOf(value)}=${printed(value)}`)).join(", ")})`;
}

function one(verb: string, flags: string, precision: number | undefined, value: TemplateValue): string {
  const wrong = () => (value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${typeOf(value)}=${printed(value)})`);
  const sign = (text: string) =>
    flags.includes("+") && !text.startsWith("-")
      ? `+${text}`
      : flags.includes(" ") && !text.startsWith("-")
        ? ` ${text}`
        : text;
  switch (verb) {
    case "v":
      return typeof value === "number" ? sign(String(value)) : printed(value);
    case "T":
      return typeOf(value);
    case "t":
      return typeof value === "boolean" ? String(value) : wrong();
    case "s":
      if (typeof value === "number" || typeof value === "boolean" || value === undefined || isFloat(value))
        return wrong();
      return cut(printed(value), precision);
    case "q":
      if (typeof value === "string")
        return flags.includes("#") && !value.includes("`")
          ? `\`${cut(value, precision)}\``
          : goQuote(cut(value, precision));
      return typeof value === "number" ? `'${String.fromCodePoint(value)}'` : wrong();
    case "c":
      return typeof value === "number" ? String.fromCodePoint(value) : wrong();
    case "d":
      return typeof value === "number" ? sign(String(value)) : wrong();
    case "b":
    case "o":
      return typeof value === "number" ? sign(value.toString(verb === "b" ? 2 : 8)) : wrong();
    case "x":
    case "X": {
      const hex =
        typeof value === "number"
          ? value.toString(16)
          : typeof value === "string"
            ? Buffer.from(value).toString("hex")
            : undefined;
      if (hex === undefined) return wrong();
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    case "e":
    case "f":
    case "F":
    case "g":
      return isFloat(value) ? sign(formatFloat(verb, value.value, precision)) : wrong();
    default:
      return wrong();
  }
}

function isFloat(value: TemplateValue): value is { readonly go: "float"; readonly value: number } {
  return typeof value === "object" && "go" in value && value.go === "float";
}

function formatFloat(verb: string, value: number, precision: number | undefined): string {
  if (!Number.isFinite(value)) return formatGoFloat(value);
  if (verb === "f" || verb === "F") return value.toFixed(precision ?? 6);
  if (verb === "g" && precision === undefined) return formatGoFloat(value);
  if (verb === "g") return formatGoFloat(Number(value.toPrecision(Math.max(1, precision!))));
  return value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
}

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : [...text].slice(0, precision).join("");
}

function pad(text: string, width: number | undefined, flags: string, verb: string): string {
  const missing = Math.min(width ?? 0, 1_000_000) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (!flags.includes("0")) return " ".repeat(missing) + text;
  const [, sign, digits] = /^([+-]?)(.*)$/s.exec(text)!;
  return verb === "s" || verb === "v" || verb === "q"
    ? "0".repeat(missing) + text
    : `${sign}${"0".repeat(missing)}${digits}`;
}
