import { clusterDomain } from "../lib/cluster-domain.ts";
import { parseYaml, YamlError } from "../lib/go-yaml.ts";
import { Problem } from "./config-error.ts";
import { type ConfigData, configParser } from "./fields.ts";
import { mostSpecific } from "./selector.ts";

/** Under which domain routes live (config-domain). Source: serving v0.42.2 pkg/reconciler/route/config. */
export interface DomainConfig {
  readonly domains: Readonly<Record<string, DomainOptions>>;
}

export interface DomainOptions {
  /** The labels that a route must have to live under the domain; without any it is the default domain. */
  readonly selector: Readonly<Record<string, string>>;
  /** "wildcard": namespaces may have a wildcard certificate under it. */
  readonly type: string;
}

/** The domain of routes that are seen inside the cluster only, and of all where no other is set. */
export const defaultDomain = `svc.${clusterDomain}`;

const shape = {
  type: "config.domainInternalConfig",
  fields: { selector: { mapOf: "string" }, type: "string" },
} as const;

/** Parses config-domain: a domain per key. Throws ConfigError. */
export const parseDomainConfig = configParser<DomainConfig>("config-domain", (data) => {
  const domains = Object.fromEntries(
    Object.entries(data)
      .filter(([domain]) => domain !== "_example")
      .map(([domain]) => [domain, readOptions(data, domain)]),
  );
  const hasDefault = Object.values(domains).some(isDefault);
  return { domains: hasDefault ? domains : { ...domains, [defaultDomain]: { selector: {}, type: "wildcard" } } };
});

/** The domain of a route with these labels: the one whose selector asks for most. Cluster-local routes have none of their own. */
export function lookupDomain(config: DomainConfig, labels: Readonly<Record<string, string>>): string {
  if (labels["networking.knative.dev/visibility"] === "cluster-local") return defaultDomain;
  const selectors = Object.entries(config.domains).map(([domain, { selector }]) => [domain, selector] as const);
  return mostSpecific(selectors, labels) ?? "";
}

function readOptions(data: ConfigData, domain: string): DomainOptions {
  try {
    const { selector = {}, type = "" } = parseYaml(data[domain]!, shape) ?? {};
    return { selector, type: Object.keys(selector).length === 0 ? "wildcard" : type };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new Problem(error.message, domain, { cause: error, allowed: "YAML: selector: {label: value}, or nothing" });
  }
}

function isDefault({ selector }: DomainOptions): boolean {
  return Object.keys(selector).length === 0;
}
