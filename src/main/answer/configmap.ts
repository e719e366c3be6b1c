import { ConfigError } from "../../config/config-error.ts";
import { gcDisabled } from "../../config/gc.ts";
import { servingConfigMaps } from "../../config/serving-config.ts";
import { formatDuration } from "../../lib/duration.ts";
import { formatGoFloat } from "../../lib/go-number.ts";
import { Template } from "../../lib/go-template.ts";
import { configMapProblem } from "../../webhook/config-validation.ts";

interface ConfigMapRequest {
  readonly name: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Op `configmap`: whether the webhook takes a ConfigMap, and what it is read as. */
export function answerConfigMap({ name, data = {}, annotations = {} }: ConfigMapRequest): unknown {
  const problem = configMapProblem({ name, data: data ?? {}, annotations: annotations ?? {} });
  const section = Object.values(servingConfigMaps).find(({ map }) => map === name);
  return {
    allowed: problem === undefined,
    ...(problem !== undefined && { message: `validation failed: ${problem}` }),
    known: section !== undefined,
    config: section && parsedOrNothing(() => section.parse(data ?? {})),
  };
}

function parsedOrNothing(parse: () => object): unknown {
  try {
    return goStruct(parse());
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** Fields whose Go name is not ours with a capital letter. */
const goNames: Readonly<Record<string, string>> = {
  rpsTargetDefault: "RPSTargetDefault",
  httpProtocol: "HTTPProtocol",
};

/** Settings of ours that upstream does not have. */
const ours = new Set(["registriesToleratingUnresolvedTags", "gracePeriodMs"]);

/** A config as the Go struct that upstream has for it, durations printed. */
function goStruct(config: object): Record<string, unknown> {
  const entries = Object.entries(config).flatMap(([name, value]): [string, unknown][] => {
    if (ours.has(name)) return [];
    const duration = /^(.*)Ms$/.exec(name);
    if (duration && typeof value === "number") {
      return [[goName(duration[1]!), value === gcDisabled ? "-1ns" : formatDuration(value)]];
    }
    return [[goName(name), goValue(name, value)]];
  });
  return Object.fromEntries(entries);
}

function goValue(name: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return formatGoFloat(value);
  if (typeof value !== "object" || value === null) return value;
  // Upstream keeps the texts of network templates, and shows nothing of container names'.
  if (value instanceof Template) return name.includes("ContainerName") ? {} : value.text;
  // All lists at this level are sets to Go.
  if (Array.isArray(value)) return Object.fromEntries(value.map((element) => [element, {}]));
  if (name === "domains")
    return mapValues(value, ({ selector, type }) => ({ Selector: { Selector: selector }, Type: type }));
  if (name === "runtimeClassNames") return mapValues(value, ({ selector }) => ({ Selector: selector }));
  if (name === "namespaceWildcardCertSelector") return goSelector(value as Fields);
  return value;
}

function goSelector({ matchLabels, matchExpressions }: Fields): unknown {
  const expressions = Array.isArray(matchExpressions) ? matchExpressions : [];
  return {
    MatchLabels: matchLabels,
    MatchExpressions: expressions.map(({ key, operator, values }: Fields) => ({
      Key: key,
      Operator: operator,
      Values: values,
    })),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function mapValues(map: object, change: (value: Fields) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value as Fields)]));
}

function goName(name: string): string {
  return goNames[name] ?? name[0]!.toUpperCase() + name.slice(1);
}
