import { metricAnnotations } from "../../apis/autoscaling/labels.ts";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { apiVersionOf } from "../../apis/kind.ts";
import { controllerReference } from "../../apis/meta.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";

export type Mode = NonNullable<ServerlessService["spec"]["mode"]>;

/**
 * The ServerlessService that gives a PodAutoscaler's pods their network addresses.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/resources MakeSKS.
 */
export function makeServerlessService(pa: PodAutoscaler, mode: Mode, numActivators: number): ServerlessService {
  const { namespace, name, labels } = pa.metadata;
  const annotations = Object.entries(pa.metadata.annotations ?? {}).filter(
    ([key]) => !metricAnnotations.some((alias) => alias === key),
  );
  return {
    apiVersion: apiVersionOf(ServerlessService),
    kind: ServerlessService.kind,
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(labels && { labels: { ...labels } }),
      annotations: Object.fromEntries(annotations),
      ownerReferences: [controllerReference(pa)],
    },
    spec: {
      mode,
      objectRef: pa.spec.scaleTargetRef,
      protocolType: pa.spec.protocolType,
      numActivators,
    },
  };
}
