import { parseDuration } from "../lib/duration.ts";
import { messageOf } from "../lib/error-message.ts";
import { deepFreeze } from "../lib/freeze.ts";
import { parseGoAtoi, parseGoBool, parseGoFloat, parseGoInt, parseGoUint } from "../lib/go-number.ts";
import { canonicalQuantity } from "../lib/quantity.ts";
import { ConfigError, Problem } from "./config-error.ts";

/** The `data` of a ConfigMap. */
export type ConfigData = Readonly<Record<string, string>>;

/** Reads a ConfigMap's data into a frozen config. Throws ConfigError. */
export type ConfigParser<T> = (data: ConfigData) => T;

/** Turns one value into what the config holds; throws Problem. */
export type ValueParser<V> = (text: string, key: string) => V;

/**
 * A key of a ConfigMap, the config's field that it sets, and how its value is read. Of two rows for one field the
 * later one wins: that is how a new key goes before the old one.
 */
export type Row<T> = { [F in keyof T]-?: readonly [key: string, field: F, parse: ValueParser<T[F]>] }[keyof T];

/** The defaults, overlaid with what `data` sets. The first bad value in the order of `rows` is the one that is told. */
export function overlay<T extends object>(defaults: T, data: ConfigData, rows: readonly Row<T>[]): T {
  const config = { ...defaults };
  for (const [key, field, parse] of rows) {
    const text = valueAt(data, key);
    if (text !== undefined) config[field] = parse(text, key);
  }
  return config;
}

/** A condition under which a config is refused, with the key that is to blame and what is said. */
export type Rule<T> = readonly [key: string, isBad: (config: T) => boolean, message: (config: T) => string];

/** Throws Problem for the first rule that the config breaks. */
export function check<T>(config: T, rules: readonly Rule<T>[]): void {
  for (const [key, isBad, message] of rules) if (isBad(config)) throw new Problem(message(config), key);
}

/** Puts words before the message of a Problem that `read` throws. */
export function prefixed<T>(words: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new Problem(`${words}: ${error.message}`, error.key, { cause: error, allowed: error.allowed });
  }
}

/** The value of a key, undefined where it is not set. */
export function valueAt(data: ConfigData, key: string): string | undefined {
  return Object.hasOwn(data, key) ? data[key] : undefined;
}

/** Makes the parser of the ConfigMap called `map` out of a function that throws Problem. */
export function configParser<T>(map: string, read: (data: ConfigData) => T): ConfigParser<T> {
  return (data) => {
    try {
      return deepFreeze(read(data));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw new ConfigError(map, error, error.key === undefined ? undefined : valueAt(data, error.key));
    }
  };
}

export const asString: ValueParser<string> = (text) => text;

export const asBool: ValueParser<boolean> = (text, key) => {
  try {
    return parseGoBool(text);
  } catch (error) {
    throw new Problem(messageOf(error), key, { cause: error, allowed: "true or false" });
  }
};

export const asInt32 = parsing((text) => parseGoInt(text, 32), "a whole number of 32 bits");
export const asInt64 = parsing((text) => parseGoInt(text, 64), "a whole number");
export const asInt = parsing(parseGoAtoi, "a whole number");
export const asUint32 = parsing((text) => parseGoUint(text, 32), "a whole number, not negative");
export const asFloat = parsing(parseGoFloat, "a number");
/** To milliseconds. */
export const asDuration = parsing(parseDuration, "a duration such as 90s, 5m or 1h30m");
/** To the spelling that Kubernetes prints. */
export const asQuantity = parsing<string | undefined>(canonicalQuantity, "an amount such as 500m, 2 or 1Gi");

/** A comma-separated list to its sorted, distinct elements. */
export const asStringSet: ValueParser<readonly string[]> = (text) => [
  ...new Set(
    text
      .split(",")
      .map((element) => element.trim())
      .sort(),
  ),
];

/** One of a few words, in any case; another word leaves the field as it is, as Knative does. */
export function oneOf<W extends string>(words: readonly W[], otherwise: W): ValueParser<W> {
  return (text) => words.find((word) => word.toLowerCase() === text.toLowerCase()) ?? otherwise;
}

function parsing<V>(parse: (text: string) => V, allowed: string): ValueParser<V> {
  return (text, key) => {
    try {
      return parse(text);
    } catch (error) {
      throw new Problem(`failed to parse "${key}": ${messageOf(error)}`, key, { cause: error, allowed });
    }
  };
}
