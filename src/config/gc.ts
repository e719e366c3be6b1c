import { formatDuration, parseDuration } from "../lib/duration.ts";
import { messageOf } from "../lib/error-message.ts";
import { formatGoInt, parseGoUint } from "../lib/go-number.ts";
import { goQuote } from "../lib/go-quote.ts";
import { Problem } from "./config-error.ts";
import {
  asDuration,
  asInt64,
  check,
  configParser,
  overlay,
  prefixed,
  type Row,
  type Rule,
  type ValueParser,
} from "./fields.ts";

/** Which old revisions are deleted (config-gc). Source: serving v0.42.2 pkg/gc. */
export interface GcConfig {
  /** A revision younger than this stays; `gcDisabled`: every one does. */
  readonly retainSinceCreateTimeMs: number;
  /** A revision that was routed to within this time stays; `gcDisabled`: every one does. */
  readonly retainSinceLastActiveTimeMs: number;
  readonly minNonActiveRevisions: number;
  /** More than these go, however young; `gcDisabled`: no bound. */
  readonly maxNonActiveRevisions: number;
  /** A revision that has left its last route stays at least so long, so that one can switch back. Ours: upstream has none. */
  readonly gracePeriodMs: number;
}

/** The value of a setting that is turned off. */
export const gcDisabled = -1;

const defaults: GcConfig = {
  retainSinceCreateTimeMs: 48 * 3_600_000,
  retainSinceLastActiveTimeMs: 15 * 3_600_000,
  minNonActiveRevisions: 20,
  maxNonActiveRevisions: 1000,
  gracePeriodMs: 0,
};

const firstRows: readonly Row<GcConfig>[] = [["min-non-active-revisions", "minNonActiveRevisions", asInt64]];

const laterRows: readonly Row<GcConfig>[] = [
  ["retain-since-create-time", "retainSinceCreateTimeMs", orDisabled(duration, defaults.retainSinceCreateTimeMs)],
  [
    "retain-since-last-active-time",
    "retainSinceLastActiveTimeMs",
    orDisabled(duration, defaults.retainSinceLastActiveTimeMs),
  ],
  [
    "max-non-active-revisions",
    "maxNonActiveRevisions",
    orDisabled((text) => parseGoUint(text, 64), defaults.maxNonActiveRevisions),
  ],
  ["grace-period", "gracePeriodMs", asDuration],
];

const rules: readonly Rule<GcConfig>[] = [
  [
    "grace-period",
    (config) => config.gracePeriodMs < 0,
    (config) => `grace-period must be non-negative, was: ${formatDuration(config.gracePeriodMs)}`,
  ],
  [
    "min-non-active-revisions",
    (config) => config.minNonActiveRevisions < 0,
    (config) => `min-non-active-revisions must be non-negative, was: ${formatGoInt(config.minNonActiveRevisions)}`,
  ],
  [
    "min-non-active-revisions",
    (config) => config.maxNonActiveRevisions >= 0 && config.minNonActiveRevisions > config.maxNonActiveRevisions,
    (config) =>
      `min-non-active-revisions(${formatGoInt(config.minNonActiveRevisions)}) must be <= max-non-active-revisions(${formatGoInt(config.maxNonActiveRevisions)})`,
  ],
];

/** Parses config-gc. Throws ConfigError. */
export const parseGcConfig = configParser<GcConfig>("config-gc", (data) => {
  const first = prefixed("failed to parse data", () => overlay(defaults, data, firstRows));
  const config = overlay(first, data, laterRows);
  check(config, rules);
  return config;
});

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms < 0) throw new Error("must be non-negative");
  return ms;
}

function orDisabled(parse: (text: string) => number, otherwise: number): ValueParser<number> {
  return (text, key) => {
    if (text === "") return otherwise;
    if (text.toLowerCase() === "disabled") return gcDisabled;
    try {
      return parse(text);
    } catch (error) {
      const allowed = `"disabled" or a value such as ${goQuote(key.startsWith("retain") ? "48h" : "1000")}`;
      throw new Problem(`failed to parse ${key}: ${messageOf(error)}`, key, { cause: error, allowed });
    }
  };
}
