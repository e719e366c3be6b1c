import { Problem } from "./config-error.ts";
import { configParser, valueAt } from "./fields.ts";

const levels = ["debug", "info", "warn", "error", "dpanic", "panic", "fatal"] as const;
export type ConfiguredLogLevel = (typeof levels)[number];

/** What is logged (config-logging). Source: knative.dev/pkg logging, as serving v0.42.2 requires it. */
export interface LoggingConfig {
  /** Settings of the original's logger (zap) as JSON; of these we heed `level`. */
  readonly loggingConfig: string;
  /** The level of a component, where it has one of its own. */
  readonly loggingLevel: Readonly<Record<string, ConfiguredLogLevel>>;
}

/** Parses config-logging. Throws ConfigError. */
export const parseLoggingConfig = configParser<LoggingConfig>("config-logging", (data) => {
  const entries = Object.entries(data).flatMap(([key, text]): [string, ConfiguredLogLevel][] => {
    const component = key.startsWith("loglevel.") ? key.slice("loglevel.".length) : "";
    return component === "" || text === "" ? [] : [[component, level(key, text)]];
  });
  return { loggingConfig: valueAt(data, "zap-logger-config") ?? "", loggingLevel: Object.fromEntries(entries) };
});

/** The level that a component logs at: its own, else that of the logger's settings, else info. */
export function logLevelOf(config: LoggingConfig, component: string): ConfiguredLogLevel {
  return config.loggingLevel[component] ?? levelOfSettings(config.loggingConfig) ?? "info";
}

function levelOfSettings(json: string): ConfiguredLogLevel | undefined {
  try {
    const settings: unknown = JSON.parse(json || "{}");
    const level = typeof settings === "object" && settings !== null && "level" in settings ? settings.level : undefined;
    return levels.find((known) => known === String(level).toLowerCase());
  } catch {
    // The original falls back to its default settings, too, and admission does not look into this value.
    return undefined;
  }
}

function level(key: string, text: string): ConfiguredLogLevel {
  const found = levels.find((known) => known === text.toLowerCase());
  if (!found) throw new Problem(`invalid logging level: ${text}`, key, { allowed: levels.join(", ") });
  return found;
}
