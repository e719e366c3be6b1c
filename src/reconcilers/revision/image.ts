import { Image } from "../../apis/caching/image.ts";
import { apiVersionOf } from "../../apis/kind.ts";
import { controllerReference } from "../../apis/meta.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { makeAnnotations, makeLabels } from "./meta.ts";
import { imageName } from "./names.ts";

/**
 * The Image of one container of a revision, for whoever wants to have images on nodes before they are needed.
 * Source: serving v0.42.2 pkg/reconciler/revision/resources/imagecache.go.
 */
export function makeImage(revision: Revision, container: string, image: string): Image {
  const { serviceAccountName, imagePullSecrets } = revision.spec;
  return {
    apiVersion: apiVersionOf(Image),
    kind: Image.kind,
    metadata: {
      name: imageName(revision, container),
      namespace: revision.metadata.namespace ?? "",
      labels: makeLabels(revision),
      annotations: makeAnnotations(revision),
      ownerReferences: [controllerReference(revision)],
    },
    spec: {
      image,
      ...(serviceAccountName && { serviceAccountName }),
      ...(imagePullSecrets?.length && { imagePullSecrets }),
    },
  };
}
