import { isDeepStrictEqual } from "node:util";
import { ConfigMap } from "../apis/core/configmap.ts";
import type { Logger } from "../lib/log.ts";
import type { ConfigStore, Informers } from "./api.ts";

/** One section of the configuration: the ConfigMap that it comes from, and how its data is read. */
export interface ConfigSection<S> {
  readonly configMap: string;
  /** Throws when the data is bad. `parse({})` gives the defaults. */
  readonly parse: (data: Readonly<Record<string, string>>) => S;
}

export interface ConfigStoreOptions<Config extends object> {
  readonly informers: Informers;
  readonly namespace: string;
  readonly sections: { readonly [K in keyof Config]: ConfigSection<Config[K]> };
  readonly log: Logger;
  /** Called when a ConfigMap's data is bad: the place to record an Event about it. */
  readonly onInvalid?: (configMap: ConfigMap, error: unknown) => void;
}

/**
 * Follows the ConfigMaps of a namespace. A missing ConfigMap means the defaults; a bad one keeps the section's last
 * good value (at the start: the defaults) and is logged. Nobody ever sees half of a change: `current()` is replaced
 * as a whole, and only when a section has really changed.
 */
export function createConfigStore<Config extends object>(options: ConfigStoreOptions<Config>): ConfigStore<Config> {
  const { informers, namespace, sections, log } = options;
  const maps = informers.of(ConfigMap, { namespace });
  const handlers = new Set<(config: Config) => void>();
  const names = Object.keys(sections) as (keyof Config & string)[];
  const defaults = Object.fromEntries(names.map((name) => [name, sections[name].parse({})]));
  let current = Object.freeze(defaults) as Config;
  let announced = false;

  const parse = (name: keyof Config & string, map: ConfigMap, gone: boolean): Config[typeof name] => {
    try {
      return sections[name].parse(gone ? {} : (map.data ?? {}));
    } catch (error) {
      log.error(`the ConfigMap ${map.metadata.name} is invalid: its last good value stays in force`, { error });
      options.onInvalid?.(map, error);
      return current[name];
    }
  };

  maps.onChange(({ type, object }) => {
    let next = current;
    for (const name of names) {
      if (sections[name].configMap !== object.metadata.name) continue;
      const value = parse(name, object, type === "deleted");
      if (!isDeepStrictEqual(value, current[name])) next = { ...next, [name]: value };
    }
    if (next === current) return;
    current = Object.freeze(next);
    if (!announced) return;
    log.info(`the configuration changed: ${object.metadata.name}`);
    for (const handler of handlers) handler(current);
  });
  const synced = maps.synced.then(() => {
    announced = true;
  });
  // Whoever waits gets the rejection; nobody has to wait.
  synced.catch(() => {});

  return {
    current: () => current,
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    synced,
  };
}
