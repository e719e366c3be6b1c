/** A text that Kubernetes refuses as an amount; the message is its own. */
export class QuantityError extends Error {}

/** An amount of a resource, exact to a billionth. */
export interface Quantity {
  /** The amount in billionths. */
  readonly nano: bigint;
  readonly format: "decimalSI" | "binarySI" | "decimalExponent";
  /** How Kubernetes prints it. */
  readonly text: string;
}

const billion = 1_000_000_000n;
const maxBinary = ((1n << 63n) - 1n) * billion;
const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/** Powers of ten beyond this are cut off, so that a text of few characters cannot cost much memory. */
const largestExponent = 300;

/**
 * Parses an amount such as `500m`, `2Gi` or `1e3`. Throws QuantityError with Kubernetes' text.
 * Source: k8s.io/apimachinery v0.29 resource.ParseQuantity.
 */
export function parseQuantity(text: string): Quantity {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(text);
  if (!match || text === "")
    throw new QuantityError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  const [, sign, leading, fraction = "", suffix] = match as unknown as [
    string,
    string,
    string,
    string | undefined,
    string,
  ];
  const { format, exponent } = interpret(suffix);
  const whole = leading.replace(/^0+/, "") || "0";
  const isShort = isShortAmount(whole, fraction, format, exponent);
  // Kubernetes takes a bare suffix for none of it, as long as it can do so without big numbers.
  if (!isShort && !/\d/.test(leading + fraction)) throw new QuantityError("unable to parse numeric part of quantity");
  const digits = BigInt(whole + fraction);
  let nano: bigint;
  if (format === "binarySI") {
    nano = divideUp(digits * (1n << BigInt(exponent)) * billion, 10n ** BigInt(fraction.length));
    if (nano > maxBinary) nano = maxBinary;
  } else {
    const power = Math.max(-largestExponent, Math.min(largestExponent, exponent)) - fraction.length + 9;
    nano = power >= 0 ? digits * 10n ** BigInt(power) : divideUp(digits, 10n ** BigInt(-power));
  }
  if (sign === "-") nano = -nano;
  const isFraction = format === "binarySI" && nano > 0n && nano < billion;
  const kept = { nano, format: isFraction ? ("decimalSI" as const) : format };
  const asWritten = isShort && isCanonical(whole + fraction, format, exponent - fraction.length);
  return { ...kept, text: nano !== 0n && asWritten ? text : print(kept) };
}

/** An amount given in thousandths. */
export function quantityOfMilli(milli: bigint, format: Quantity["format"]): Quantity {
  return quantityOfNano(milli * 1_000_000n, format);
}

/** An amount given in billionths. */
export function quantityOfNano(nano: bigint, format: Quantity["format"]): Quantity {
  return { nano, format, text: print({ nano, format }) };
}

/** The sign of `a - b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** How Kubernetes prints an amount that it was given as `text`. Throws QuantityError. Source: resource.Quantity.String. */
export function canonicalQuantity(text: string): string {
  return parseQuantity(text).text;
}

function interpret(suffix: string): { format: Quantity["format"]; exponent: number } {
  const decimal = decimalSuffixes[suffix];
  if (decimal !== undefined) return { format: "decimalSI", exponent: decimal };
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0) return { format: "binarySI", exponent: 10 * binary };
  if (/^[eE][+-]?\d+$/.test(suffix)) return { format: "decimalExponent", exponent: Number(suffix.slice(1)) };
  throw new QuantityError("unable to parse quantity's suffix");
}

/** Whether Kubernetes can do with a 64-bit number. */
function isShortAmount(whole: string, fraction: string, format: Quantity["format"], exponent: number): boolean {
  if (format === "binarySI") return fraction === "" && 14 - whole.length - Math.trunc((exponent * 3) / 10) >= 0;
  return whole.length + fraction.length <= 18 && exponent - fraction.length >= -9;
}

/** Whether Kubernetes takes the spelling of a short amount for canonical, and keeps it. */
function isCanonical(digits: string, format: Quantity["format"], scale: number): boolean {
  if (format === "binarySI") return (BigInt(digits) & 7n) !== 0n;
  return scale % 3 === 0 && !digits.endsWith("000") && digits[0] !== "0";
}

function print({ nano, format }: Pick<Quantity, "nano" | "format">): string {
  if (nano === 0n) return "0";
  const small = nano > -1024n * billion && nano < 1024n * billion;
  if (format === "binarySI" && !small && nano % billion === 0n) {
    const [amount, times] = withoutFactors(nano / billion, 1024n, binarySuffixes.length - 1);
    return `${amount}${binarySuffixes[times]}`;
  }
  const [amount, times] = withoutFactors(nano, 1000n, Number.POSITIVE_INFINITY);
  const exponent = 3 * times - 9;
  if (format === "decimalExponent") return exponent === 0 ? `${amount}` : `${amount}e${exponent}`;
  const suffix = Object.keys(decimalSuffixes).find((name) => decimalSuffixes[name] === exponent);
  return suffix === undefined ? `${amount}e${exponent}` : `${amount}${suffix}`;
}

function withoutFactors(amount: bigint, factor: bigint, most: number): [amount: bigint, times: number] {
  let rest = amount;
  let times = 0;
  while (times < most && rest % factor === 0n) {
    rest /= factor;
    times++;
  }
  return [rest, times];
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
