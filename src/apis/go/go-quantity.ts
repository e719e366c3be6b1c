/** The fields of Go's Quantity, which messages show where an amount of a revision was changed. */
export interface GoQuantity {
  readonly amount: bigint;
  readonly scale: number;
  /** The spelling, where Go keeps it; else "". */
  readonly text: string;
  readonly format: "DecimalSI" | "BinarySI" | "DecimalExponent";
  /** Whether Go keeps the amount behind a pointer, since it may not fit into 64 bits. */
  readonly isLarge: boolean;
}

const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const largest = (1n << 63n) - 1n;

/** Source: k8s.io/apimachinery v0.29.2 resource.ParseQuantity. */
export function goQuantityFields(value: unknown): GoQuantity {
  const spelling = String(value ?? "0");
  if (spelling === "0")
    return { amount: 0n, scale: 0, text: value === undefined ? "" : "0", format: "DecimalSI", isLarge: false };
  const match = /^([+-]?)0*(\d*)(?:\.(\d*))?(.*)$/.exec(spelling);
  const [sign = "", whole = "", fraction = "", suffix = ""] = match?.slice(1) ?? [];
  const digits = (whole || "0") + fraction;
  const power = 10 * binary.indexOf(suffix);
  const isExponent = power <= 0 && !Object.hasOwn(decimal, suffix);
  const scale = power > 0 ? 0 : (isExponent ? Number(suffix.slice(1)) : decimal[suffix]!) - fraction.length;
  const amount = BigInt(digits) << BigInt(Math.max(0, power));
  const precision =
    power > 0 ? (fraction === "" ? 15 - digits.length - Math.trunc((power * 3) / 10) - 1 : -1) : 18 - digits.length;
  const format = power > 0 ? "BinarySI" : isExponent ? "DecimalExponent" : "DecimalSI";
  if (precision < 0 || scale < -9 || amount > largest) return { amount: 0n, scale: 0, text: "", format, isLarge: true };
  const isKept =
    power > 0 ? (BigInt(digits) & 7n) !== 0n : scale % 3 === 0 && !digits.endsWith("000") && digits[0] !== "0";
  return { amount: sign === "-" ? -amount : amount, scale, text: isKept ? spelling : "", format, isLarge: false };
}
