import type { PodAutoscaler } from "../apis/autoscaling/podautoscaler.ts";
import { controllerReference, type ObjectMeta } from "../apis/meta.ts";

/** The metadata of what is made for a PodAutoscaler: it has its owner's name, labels and, unless told, annotations. */
export function childMetadata(pa: PodAutoscaler, annotations = pa.metadata.annotations): ObjectMeta {
  const { namespace, name, labels } = pa.metadata;
  return {
    name,
    ...(namespace && { namespace }),
    ...(labels && { labels: { ...labels } }),
    ...(annotations && { annotations: { ...annotations } }),
    ownerReferences: [controllerReference(pa)],
  };
}
