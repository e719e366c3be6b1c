import { ConfigError } from "../../config/config-error.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";

/** ConfigMaps as requests bring them, by name. */
export type RequestConfigMaps = Readonly<Record<string, { readonly data?: Readonly<Record<string, string>> | null }>>;

/** The configuration of a request: ConfigMaps that it leaves out are empty, and the sidecar's image is `queue:test`. */
export function servingConfigOf(configMaps: RequestConfigMaps | null | undefined): ServingConfig {
  const data = Object.fromEntries(Object.entries(configMaps ?? {}).map(([name, map]) => [name, map.data ?? {}]));
  try {
    return parseServingConfig({
      ...data,
      "config-deployment": { "queue-sidecar-image": "queue:test", ...data["config-deployment"] },
    });
  } catch (error) {
    if (error instanceof ConfigError)
      throw new Error(`config map ${error.map} is invalid: ${error.message}`, { cause: error });
    throw error;
  }
}
