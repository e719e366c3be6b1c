import { asDuration, asUint32, type ConfigData, check, configParser, overlay, type Row, type Rule } from "./fields.ts";

/** How replicas share the work (config-leader-election). Source: knative.dev/pkg leaderelection, as serving v0.42.2 requires it. */
export interface LeaderElectionConfig {
  /** Into how many parts the keys are divided. */
  readonly buckets: number;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  /** The prefix of a reconciler's Lease names, where it is not the usual one. */
  readonly leaseNamesPrefixMapping: Readonly<Record<string, string>>;
}

const mostBuckets = 10;

const defaults: LeaderElectionConfig = {
  buckets: 1,
  leaseDurationMs: 60_000,
  renewDeadlineMs: 40_000,
  retryPeriodMs: 10_000,
  leaseNamesPrefixMapping: {},
};

const rows: readonly Row<LeaderElectionConfig>[] = [
  ["leaseDuration", "leaseDurationMs", asDuration],
  ["renewDeadline", "renewDeadlineMs", asDuration],
  ["retryPeriod", "retryPeriodMs", asDuration],
  ["lease-duration", "leaseDurationMs", asDuration],
  ["renew-deadline", "renewDeadlineMs", asDuration],
  ["retry-period", "retryPeriodMs", asDuration],
  ["buckets", "buckets", asUint32],
];

const rules: readonly Rule<LeaderElectionConfig>[] = [
  [
    "buckets",
    ({ buckets }) => buckets < 1 || buckets > mostBuckets,
    ({ buckets }) => `buckets: value must be between 1 <= ${buckets} <= ${mostBuckets}`,
  ],
];

/** Parses config-leader-election. Throws ConfigError. */
export const parseLeaderElectionConfig = configParser<LeaderElectionConfig>("config-leader-election", (data) => {
  const config = { ...overlay(defaults, data, rows), leaseNamesPrefixMapping: prefixes(data) };
  check(config, rules);
  return config;
});

/** What follows `map-lease-prefix` and one more character in the keys. */
function prefixes(data: ConfigData): Record<string, string> {
  const prefix = "map-lease-prefix";
  const entries = Object.entries(data).filter(([key]) => key.startsWith(prefix) && key.length > prefix.length + 1);
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length + 1), value]));
}
