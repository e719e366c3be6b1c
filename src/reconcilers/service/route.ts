import { apiVersionOf } from "../../apis/kind.ts";
import { controllerReference, lastAppliedAnnotation } from "../../apis/meta.ts";
import { serviceLabel } from "../../apis/serving/labels.ts";
import { Route } from "../../apis/serving/route.ts";
import type { KnativeService } from "../../apis/serving/service.ts";

/**
 * The Route of a Service: shares without a revision go to the Service's Configuration.
 * Source: serving v0.42.2 pkg/reconciler/service/resources/route.go.
 */
export function makeRoute(service: KnativeService): Route {
  const { name, namespace = "" } = service.metadata;
  const annotations = Object.entries(service.metadata.annotations ?? {}).filter(
    ([key]) => key !== lastAppliedAnnotation,
  );
  const { traffic } = service.spec;
  return {
    apiVersion: apiVersionOf(Route),
    kind: Route.kind,
    metadata: {
      name,
      namespace,
      ownerReferences: [controllerReference(service)],
      labels: { ...service.metadata.labels, [serviceLabel]: name },
      annotations: Object.fromEntries(annotations),
    },
    spec: {
      ...(traffic && {
        traffic: traffic.map((target) => (target.revisionName ? target : { ...target, configurationName: name })),
      }),
    },
  };
}
