import { Counter, Histogram, type Registry } from "prom-client";
import type { AdmissionRequest, AdmissionResponse } from "./review.ts";

/** Counts the requests that webhooks answer. */
export interface WebhookMetrics {
  answered(request: AdmissionRequest, response: AdmissionResponse, durationMs: number): void;
}

const labelNames = [
  "request_operation",
  "kind_group",
  "kind_version",
  "kind_kind",
  "resource_group",
  "resource_version",
  "resource_resource",
  "resource_namespace",
  "admission_allowed",
] as const;

/** So many different namespaces are told apart; what is beyond is counted under "". Keeps memory bounded. */
const mostNamespaces = 1000;

/**
 * Prometheus metrics under upstream's names, each with `prefix` (such as "hakn_serving_"), registered in `registry`.
 * Source: knative.dev/pkg webhook/stats_reporter.go (20240716).
 */
export function createWebhookMetrics(registry: Registry, prefix: string): WebhookMetrics {
  const count = new Counter({
    name: `${prefix}request_count`,
    help: "The number of requests that are routed to webhook",
    registers: [registry],
    labelNames,
  });
  const latency = new Histogram({
    name: `${prefix}request_latencies`,
    help: "The response time in milliseconds",
    registers: [registry],
    labelNames,
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000],
  });
  const namespaces = new Set<string>();
  return {
    answered({ operation, kind, resource, namespace }, { allowed }, durationMs) {
      if (namespaces.size < mostNamespaces) namespaces.add(namespace);
      const labels = {
        request_operation: operation,
        kind_group: kind.group,
        kind_version: kind.version,
        kind_kind: kind.kind,
        resource_group: resource.group,
        resource_version: resource.version,
        resource_resource: resource.resource,
        resource_namespace: namespaces.has(namespace) ? namespace : "",
        admission_allowed: String(allowed),
      };
      count.inc(labels);
      latency.observe(labels, durationMs);
    },
  };
}
