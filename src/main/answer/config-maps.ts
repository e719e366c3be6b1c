import { ConfigError } from "../../config/config-error.ts";
import type { ConfigData } from "../../config/fields.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";

/** ConfigMaps as requests bring them, by name. */
export type RequestConfigMaps = Readonly<Record<string, { readonly data?: Readonly<Record<string, string>> | null }>>;

/** The data of a request's ConfigMaps; the one key that must be set, the sidecar's image, is `queue:test` unless told. */
export function configDataOf(configMaps: RequestConfigMaps | null | undefined): Record<string, ConfigData> {
  const data = Object.fromEntries(Object.entries(configMaps ?? {}).map(([name, map]) => [name, map.data ?? {}]));
  return { ...data, "config-deployment": { "queue-sidecar-image": "queue:test", ...data["config-deployment"] } };
}

/** The configuration of a request: ConfigMaps that it leaves out are empty. */
export function servingConfigOf(configMaps: RequestConfigMaps | null | undefined): ServingConfig {
  try {
    return parseServingConfig(configDataOf(configMaps));
  } catch (error) {
    if (error instanceof ConfigError)
      throw new Error(`config map ${error.map} is invalid: ${error.message}`, { cause: error });
    throw error;
  }
}
