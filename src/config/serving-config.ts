import { type AutoscalerConfig, parseAutoscalerConfig } from "./autoscaler.ts";
import { type DefaultsConfig, parseDefaultsConfig } from "./defaults.ts";
import { type DeploymentConfig, defaultDeploymentConfig, parseDeploymentConfig } from "./deployment.ts";
import { type DomainConfig, parseDomainConfig } from "./domain.ts";
import { type FeaturesConfig, parseFeaturesConfig } from "./features.ts";
import type { ConfigData, ConfigParser } from "./fields.ts";
import { type GcConfig, parseGcConfig } from "./gc.ts";
import { type IstioConfig, parseIstioConfig } from "./istio.ts";
import { type LeaderElectionConfig, parseLeaderElectionConfig } from "./leader-election.ts";
import { type LoggingConfig, parseLoggingConfig } from "./logging.ts";
import { type NetworkConfig, parseNetworkConfig } from "./network.ts";
import { type ObservabilityConfig, parseObservabilityConfig } from "./observability.ts";
import { parseTracingConfig, type TracingConfig } from "./tracing.ts";

/** All settings at one moment; frozen. */
export interface ServingConfig {
  readonly autoscaler: AutoscalerConfig;
  readonly defaults: DefaultsConfig;
  readonly deployment: DeploymentConfig;
  readonly domain: DomainConfig;
  readonly features: FeaturesConfig;
  readonly gc: GcConfig;
  readonly istio: IstioConfig;
  readonly leaderElection: LeaderElectionConfig;
  readonly logging: LoggingConfig;
  readonly network: NetworkConfig;
  readonly observability: ObservabilityConfig;
  readonly tracing: TracingConfig;
}

/** Which ConfigMap each part of the snapshot comes from, and how it is read. */
export const servingConfigMaps: {
  readonly [Part in keyof ServingConfig]: { readonly map: string; readonly parse: ConfigParser<ServingConfig[Part]> };
} = {
  autoscaler: { map: "config-autoscaler", parse: parseAutoscalerConfig },
  defaults: { map: "config-defaults", parse: parseDefaultsConfig },
  deployment: { map: "config-deployment", parse: parseDeploymentConfig },
  domain: { map: "config-domain", parse: parseDomainConfig },
  features: { map: "config-features", parse: parseFeaturesConfig },
  gc: { map: "config-gc", parse: parseGcConfig },
  istio: { map: "config-istio", parse: parseIstioConfig },
  leaderElection: { map: "config-leader-election", parse: parseLeaderElectionConfig },
  logging: { map: "config-logging", parse: parseLoggingConfig },
  network: { map: "config-network", parse: parseNetworkConfig },
  observability: { map: "config-observability", parse: parseObservabilityConfig },
  tracing: { map: "config-tracing", parse: parseTracingConfig },
};

/** The settings where every ConfigMap is empty. config-deployment cannot be: its sidecar image is "" here. */
export const defaultServingConfig: ServingConfig = Object.freeze({
  ...partsFrom((part) => (part === "deployment" ? defaultDeploymentConfig : servingConfigMaps[part].parse({}))),
});

/**
 * Reads the ConfigMaps, `data` by name of the map; one that is absent counts as empty, but config-deployment, which
 * then keeps its defaults. Throws ConfigError.
 */
export function parseServingConfig(data: Readonly<Record<string, ConfigData>>): ServingConfig {
  return Object.freeze(
    partsFrom((part) => {
      const { map, parse } = servingConfigMaps[part];
      const own = data[map];
      return own ? parse(own) : defaultServingConfig[part];
    }),
  );
}

function partsFrom(partOf: (part: keyof ServingConfig) => ServingConfig[keyof ServingConfig]): ServingConfig {
  const parts = Object.keys(servingConfigMaps) as (keyof ServingConfig)[];
  return Object.fromEntries(parts.map((part) => [part, partOf(part)])) as unknown as ServingConfig;
}
