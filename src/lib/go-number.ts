import { goQuote } from "./go-quote.ts";

/** A text that Go's strconv refuses as a number or truth value; the message is strconv's own. */
export class NumberError extends Error {}

const syntax = (call: string, text: string) =>
  new NumberError(`strconv.${call}: parsing ${goQuote(text)}: invalid syntax`);
const range = (call: string, text: string) =>
  new NumberError(`strconv.${call}: parsing ${goQuote(text)}: value out of range`);

/** Parses a decimal integer of so many bits. Throws NumberError. Source: Go strconv.ParseInt(text, 10, bits). */
export function parseGoInt(text: string, bits: 16 | 32 | 64, call = "ParseInt"): number {
  if (!/^[+-]?\d+$/.test(text)) throw syntax(call, text);
  const value = BigInt(text.replace(/^\+/, ""));
  const limit = 1n << BigInt(bits - 1);
  if (value >= limit || value < -limit) throw range(call, text);
  return Number(value);
}

/** Parses a decimal integer. Throws NumberError. Source: Go strconv.Atoi. */
export function parseGoAtoi(text: string): number {
  return parseGoInt(text, 64, "Atoi");
}

/** Parses a decimal integer without a sign. Throws NumberError. Source: Go strconv.ParseUint(text, 10, bits). */
export function parseGoUint(text: string, bits: 16 | 32 | 64): number {
  if (!/^\d+$/.test(text)) throw syntax("ParseUint", text);
  const value = BigInt(text);
  if (value >= 1n << BigInt(bits)) throw range("ParseUint", text);
  return Number(value);
}

const decimalFloat = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const hexFloat = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)$/;

/** Parses a floating-point number; "inf" and "nan" are numbers. Throws NumberError. Source: Go strconv.ParseFloat(text, 64). */
export function parseGoFloat(text: string): number {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special) {
    if (special[2]!.toLowerCase() === "nan") {
      if (special[1] !== "") throw syntax("ParseFloat", text);
      return Number.NaN;
    }
    return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  // Underscores may stand between digits.
  if (/(?:^|[^\da-fA-F])_|_(?:$|[^\da-fA-F])/.test(text.replace(/^([+-]?0[xX])_/, "$1")))
    throw syntax("ParseFloat", text);
  const bare = text.replaceAll("_", "");
  let value: number;
  if (decimalFloat.test(bare)) {
    value = Number(bare);
  } else {
    const hex = hexFloat.exec(bare);
    if (!hex || (hex[2] === "" && hex[3] === "")) throw syntax("ParseFloat", text);
    const mantissa = Number(BigInt(`0x${hex[2]}${hex[3]}`));
    value = mantissa * 2 ** (Number(hex[4]) - 4 * hex[3]!.length) * (hex[1] === "-" ? -1 : 1);
  }
  if (!Number.isFinite(value)) throw range("ParseFloat", text);
  return value;
}

/** Parses a truth value: 1, t, T, true, True, TRUE and their opposites. Throws NumberError. Source: Go strconv.ParseBool. */
export function parseGoBool(text: string): boolean {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw syntax("ParseBool", text);
}

/** Prints a floating-point number as Go's `%v` does: the shortest digits, an exponent from 1e+06 and below 1e-04. */
export function formatGoFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  const power = Number(exponent);
  if (value === 0 || (power >= -4 && power < 6)) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** Prints an integer of 64 bits as Go does. Beyond 2^53 the last digits are those of the nearest number that we know. */
export function formatGoInt(value: number): string {
  const largest = 2n ** 63n - 1n;
  return String(BigInt(value) > largest ? largest : BigInt(value));
}
