import { mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type DestinationStream, type LevelWithSilent, pino } from "pino";
import { causesOf } from "./error-message.ts";

/** Facts that belong to a line, such as `{"knative.dev/key": "default/hello"}`; `error` is printed with its causes. */
export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** A structured logger. `child` adds fields to every line of the new logger. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
  /** Changes the level of this logger and of all its children, from now on. */
  setLevel(level: LogLevel): void;
}

const severities: Readonly<Record<string, string>> = { debug: "DEBUG", info: "INFO", warn: "WARNING", error: "ERROR" };

/**
 * A logger whose lines have the fields of Knative's (zap, stackdriver style): severity, timestamp, logger, message.
 * Writes whole lines synchronously to `destination`, standard output unless told.
 */
export function createLogger(name: string, level: LogLevel = "info", destination?: DestinationStream): Logger {
  // Children consult one shared level, so that setLevel reaches those made before it.
  const shared = { level };
  const root = pino(
    {
      level: "debug",
      base: { logger: name },
      messageKey: "message",
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ severity: severities[label] ?? label }) },
      serializers: { error: describeError },
    },
    destination ?? linesTo(1),
  );
  return wrap(root, shared);
}

/** A destination for createLogger: lines are appended to a file, which is made if it is not there. */
export function logFile(path: string): DestinationStream {
  mkdirSync(dirname(path), { recursive: true });
  return linesTo(openSync(path, "a"));
}

const busyWaitMs = 10;
const busyAttempts = 100;

/** Writes lines at once. One that cannot be written is lost: a full disk or a reader that left shall not end a program. */
function linesTo(descriptor: number): DestinationStream {
  return {
    write(line) {
      let rest: Buffer = Buffer.from(line);
      for (let attempts = 0; rest.length > 0 && attempts < busyAttempts; ) {
        try {
          rest = rest.subarray(writeSync(descriptor, rest));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
          // A pipe that is full for the moment.
          attempts++;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyWaitMs);
        }
      }
    },
  };
}

/** A logger that drops everything. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
  setLevel() {},
};

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

function wrap(target: pino.Logger<never, boolean>, shared: { level: LogLevel }): Logger {
  const write = (level: Exclude<LevelWithSilent, "trace" | "fatal" | "silent">) => {
    return (message: string, fields?: LogFields) => {
      if (ranks[level] >= ranks[shared.level]) target[level](fields ?? {}, message);
    };
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => wrap(target.child(fields), shared),
    setLevel: (level) => {
      shared.level = level;
    },
  };
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const causes = causesOf(error).map(({ message }) => message);
  return { message: error.message, ...(causes.length > 0 && { causes }), stack: error.stack };
}
