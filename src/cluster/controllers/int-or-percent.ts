/**
 * The number that a count or a percentage of `total` comes to. Throws when the text is neither.
 * Source: k8s.io/apimachinery v0.34 intstr.GetScaledValueFromIntOrPercent.
 */
export function scaledValue(value: number | string, total: number, round: "up" | "down"): number {
  if (typeof value === "number") return value;
  const match = /^(\d+)%$/.exec(value);
  if (!match) throw new Error(`invalid value for IntOrString: ${JSON.stringify(value)}: give a number or a percentage`);
  const share = (Number(match[1]) * total) / 100;
  return round === "up" ? Math.ceil(share) : Math.floor(share);
}
