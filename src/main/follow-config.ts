import { describeConfigError } from "../config/config-error.ts";
import { defaultServingConfig, type ServingConfig, servingConfigMaps } from "../config/serving-config.ts";
import type { ConfigStore, Informers } from "../kube/api.ts";
import { type ConfigSection, createConfigStore } from "../kube/config-store.ts";
import type { EventRecorders } from "../kube/events.ts";
import type { Logger } from "../lib/log.ts";

export interface FollowConfigOptions {
  readonly informers: Informers;
  readonly namespace: string;
  readonly events: Pick<EventRecorders, "of">;
  readonly log: Logger;
}

/** Follows the configuration. A bad ConfigMap leaves its last good values in force: the log and an Event on it say so. */
export function followServingConfig({ events, ...options }: FollowConfigOptions): ConfigStore<ServingConfig> {
  return createConfigStore<ServingConfig>({
    ...options,
    sections: sections(),
    onInvalid: (map, error) => events.of(map).warning("InvalidConfiguration", describeConfigError(error)),
  });
}

type Sections = { readonly [Part in keyof ServingConfig]: ConfigSection<ServingConfig[Part]> };

/** A ConfigMap that is not there, or holds nothing, means the defaults. */
function sections(): Sections {
  const entries = Object.entries(servingConfigMaps).map(([part, { map, parse }]) => [
    part,
    {
      configMap: map,
      parse: (data: Readonly<Record<string, string>>) =>
        Object.keys(data).length === 0 ? defaultServingConfig[part as keyof ServingConfig] : parse(data),
    },
  ]);
  return Object.fromEntries(entries) as Sections;
}
