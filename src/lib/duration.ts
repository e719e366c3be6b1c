const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration text that Go's `time.ParseDuration` refuses; the message is Go's own. */
export class DurationError extends Error {}

/** Parses a Go duration such as `1m30s` to milliseconds. Throws DurationError with Go's text. Source: Go time.ParseDuration. */
export function parseDuration(text: string): number {
  const invalid = () => new DurationError(`time: invalid duration ${quote(text)}`);
  const match = /^([+-]?)(.*)$/s.exec(text)!;
  const rest = match[2]!;
  if (rest === "0") return 0;
  if (rest === "") throw invalid();
  let totalMs = 0;
  let position = 0;
  const part = /(\d*)(?:\.(\d*))?([^\d.]*)/y;
  while (position < rest.length) {
    part.lastIndex = position;
    const found = part.exec(rest);
    if (!found || found[0] === "") throw invalid();
    const [whole, digits, fraction = "", unit = ""] = found;
    if (digits === "" && fraction === "") throw invalid();
    if (unit === "") throw new DurationError(`time: missing unit in duration ${quote(text)}`);
    const scale = unitMs[unit];
    if (scale === undefined) {
      throw new DurationError(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    }
    totalMs += Number(`${digits || "0"}.${fraction || "0"}`) * scale;
    position += whole.length;
  }
  if (totalMs > 9_223_372_036_854.775) throw invalid();
  return match[1] === "-" ? -totalMs : totalMs;
}

/** Prints milliseconds as Go's `Duration.String` does: `1m30s`, `2h0m0s`, `1.5s`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  const value = Math.abs(ms);
  if (value < 1000) {
    if (value < 1e-3) return `${sign}${trim(value * 1e6)}ns`;
    if (value < 1) return `${sign}${trim(value * 1e3)}µs`;
    return `${sign}${trim(value)}ms`;
  }
  const hours = Math.floor(value / 3_600_000);
  const minutes = Math.floor((value % 3_600_000) / 60_000);
  const seconds = `${trim((value % 60_000) / 1000)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

function trim(value: number): string {
  return value.toFixed(9).replace(/\.?0+$/, "");
}

/** As Go's package time quotes: bytes beyond ASCII one by one. */
function quote(text: string): string {
  const quoted = Array.from(text, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    if (character >= " " && character < "\u0080") return character;
    return Array.from(Buffer.from(character), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  });
  return `"${quoted.join("")}"`;
}
