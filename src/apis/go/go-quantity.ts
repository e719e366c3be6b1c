/** The fields of Go's Quantity, which messages show where an amount of a revision was changed. */
export interface GoQuantity {
  readonly amount: bigint;
  readonly scale: number;
  /** The spelling, where Go keeps it; else "". */
  readonly text: string;
  readonly format: "DecimalSI" | "BinarySI" | "DecimalExponent";
}

const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** Source: k8s.io/apimachinery v0.29.2 resource.ParseQuantity, for amounts that fit into 64 bits. */
export function goQuantityFields(value: unknown): GoQuantity {
  const spelling = String(value ?? "0");
  if (spelling === "0") return { amount: 0n, scale: 0, text: value === undefined ? "" : "0", format: "DecimalSI" };
  const match = /^([+-]?)0*(\d*)(?:\.(\d*))?(.*)$/.exec(spelling);
  const [sign = "", whole = "", fraction = "", suffix = ""] = match?.slice(1) ?? [];
  const digits = (whole || "0") + fraction;
  const amount = BigInt(digits);
  const signed = (n: bigint) => (sign === "-" ? -n : n);
  const power = binary.indexOf(suffix);
  if (power > 0) {
    const text = fraction === "" && (amount & 7n) !== 0n ? spelling : "";
    return { amount: signed(amount << BigInt(10 * power)), scale: 0, text, format: "BinarySI" };
  }
  const isExponent = !Object.hasOwn(decimal, suffix);
  const scale = (isExponent ? Number(suffix.slice(1)) : decimal[suffix]!) - fraction.length;
  const isKept = scale % 3 === 0 && !digits.endsWith("000") && digits[0] !== "0";
  return {
    amount: signed(amount),
    scale,
    text: isKept ? spelling : "",
    format: isExponent ? "DecimalExponent" : "DecimalSI",
  };
}
