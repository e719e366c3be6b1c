import { ConfigError } from "../config/config-error.ts";
import { isExampleEdited } from "../config/example.ts";
import type { ConfigData, ConfigParser } from "../config/fields.ts";
import { servingConfigMaps } from "../config/serving-config.ts";

/** The ConfigMaps whose data is checked, by name. */
const parsers: ReadonlyMap<string, ConfigParser<unknown>> = new Map(
  Object.values(servingConfigMaps).map(({ map, parse }) => [map, parse]),
);

/** What of a ConfigMap is looked at. */
export interface CheckedConfigMap {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: ConfigData;
}

/**
 * What is wrong with a ConfigMap of ours; undefined where nothing is, and for ConfigMaps of other names.
 * Source: knative.dev/pkg webhook/configmaps, as serving v0.42.2 requires it; we check config-istio as well.
 */
export function configMapProblem({ name, annotations, data }: CheckedConfigMap): string | undefined {
  const parse = parsers.get(name);
  if (!parse) return undefined;
  if (isExampleEdited(data, annotations)) {
    return 'the update modifies a key in "_example" which is probably not what you want. Instead, copy the respective setting to the top-level of the ConfigMap, directly below "data"';
  }
  try {
    parse(data);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}
