import { apiVersionOf } from "../../apis/kind.ts";
import { controllerReference, lastAppliedAnnotation } from "../../apis/meta.ts";
import { Configuration } from "../../apis/serving/configuration.ts";
import {
  rolloutDurationAnnotations,
  routesAnnotation,
  serviceLabel,
  serviceUidLabel,
} from "../../apis/serving/labels.ts";
import { routesOf } from "../../apis/serving/routing-state.ts";
import type { KnativeService } from "../../apis/serving/service.ts";

const notPassedOn: readonly string[] = [lastAppliedAnnotation, ...rolloutDurationAnnotations];

/**
 * The Configuration of a Service. Of an `existing` one only the routes are kept that refer to it.
 * Source: serving v0.42.2 pkg/reconciler/service/resources/configuration.go.
 */
export function makeConfiguration(service: KnativeService, existing?: Configuration): Configuration {
  const { name, namespace = "", uid = "" } = service.metadata;
  const annotations = Object.entries(service.metadata.annotations ?? {}).filter(([key]) => !notPassedOn.includes(key));
  const routes = new Set(existing ? routesOf(existing) : []).add(name);
  return {
    apiVersion: apiVersionOf(Configuration),
    kind: Configuration.kind,
    metadata: {
      name,
      namespace,
      ownerReferences: [controllerReference(service)],
      labels: { ...service.metadata.labels, [serviceLabel]: name, [serviceUidLabel]: uid },
      annotations: { ...Object.fromEntries(annotations), [routesAnnotation]: [...routes].join(",") },
    },
    spec: { template: service.spec.template },
  };
}
