import { stripVTControlCharacters, styleText } from "node:util";
import type { Progress } from "./actions.ts";

/** Where text goes to: results to standard output, everything else to standard error. */
export interface Terminal {
  /** Writes to standard output as it is. */
  print(text: string): void;
  /** Writes to standard error as it is. */
  warn(text: string): void;
  /** Shows what is going on, on one line that replaces itself; where nobody watches, a line for each new step. */
  progress(): Progress & { end(): void };
  /** Replaces the live block at the end of the screen; where nobody watches, does nothing. */
  live(lines: readonly string[]): void;
  readonly interactive: boolean;
  good(text: string): string;
  bad(text: string): string;
  dim(text: string): string;
}

interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const clearLine = "\r\u001b[2K";

/** The terminal over two streams. Colours and live lines only where a person looks. */
export function createTerminal(output: Output, errors: Output): Terminal {
  const interactive = Boolean(output.isTTY && errors.isTTY);
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    interactive ? styleText(format, text, { validateStream: false }) : text;
  let liveLines = 0;

  return {
    interactive,
    print: (text) => output.write(text),
    warn: (text) => errors.write(text),
    good: (text) => paint("green", text),
    bad: (text) => paint("red", text),
    dim: (text) => paint("dim", text),
    progress() {
      let last = "";
      return {
        step(text) {
          if (text === last) return;
          last = text;
          errors.write(interactive ? `${clearLine}${paint("dim", `… ${text}`)}` : `… ${text}\n`);
        },
        end() {
          if (interactive && last) errors.write(clearLine);
        },
      };
    },
    live(lines) {
      if (!interactive) return;
      if (liveLines > 0) output.write(`\u001b[${liveLines}A\u001b[0J`);
      for (const line of lines) output.write(`${fitted(line, output.columns || 120)}\n`);
      liveLines = lines.length;
    },
  };
}

/** A line that fits the terminal's width, so that it can be replaced; one that is cut loses its colours. */
function fitted(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length > width ? `${plain.slice(0, width - 1)}…` : line;
}

/** Rows as columns, two spaces apart; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** Bytes for people: 12 MB. */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}
