import type { Clock } from "../lib/clock.ts";
import type { LogFields, Logger, LogLevel } from "../lib/log.ts";

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };
const severities = { debug: "DEBUG", info: "INFO", warn: "WARNING", error: "ERROR" } as const;

/**
 * The project's logger in a few lines, with the same fields: this program runs beside every pod, where a logging library
 * costs more memory than all the rest of it.
 */
export function createLineLogger(
  name: string,
  level: LogLevel,
  clock: Clock,
  write: (line: string) => void,
  fields: LogFields = {},
  shared = { level },
): Logger {
  const log = (at: keyof typeof severities) => (message: string, more?: LogFields) => {
    if (ranks[at] < ranks[shared.level]) return;
    const timestamp = new Date(clock.now()).toISOString();
    const line = { severity: severities[at], timestamp, logger: name, message, ...fields, ...more };
    write(`${JSON.stringify(line, printable)}\n`);
  };
  return {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    child: (more) => createLineLogger(name, level, clock, write, { ...fields, ...more }, shared),
    setLevel(changed) {
      shared.level = changed;
    },
  };
}

/** Errors as their message, with their causes and stack. */
function printable(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const cause = value.cause instanceof Error ? { cause: value.cause.message } : {};
  return { message: value.message, ...cause, stack: value.stack };
}
