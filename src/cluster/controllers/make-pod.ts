import type { Pod } from "../../apis/core/pod.ts";
import type { PodTemplateSpec } from "../../apis/core/pod-spec.ts";
import { controllerReference, type KubeObject } from "../../apis/meta.ts";

/** A pod of `owner` made from its template. */
export function makePod(owner: KubeObject, template: PodTemplateSpec, name: string, generateName?: string): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      ...(generateName && { generateName }),
      namespace: owner.metadata.namespace ?? "",
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: structuredClone(template.spec) ?? { containers: [] },
  };
}
