import { localObjectReferenceSchema } from "../core/references.ts";
import { defineKind, type ObjectOf } from "../kind.ts";
import { list, object, string } from "../schema.ts";
import { servingCrdLabels } from "../serving/crd-parts.ts";
import { commonStatusFields } from "../serving/status.ts";
import { cachingGroup } from "./labels.ts";

/** An image that nodes may fetch before it is needed. */
export const Image = defineKind({
  group: cachingGroup,
  version: "v1alpha1",
  kind: "Image",
  plural: "images",
  categories: ["knative-internal", "caching"],
  description: "An image that nodes may fetch before it is needed.",
  subresources: { status: true },
  printerColumns: [{ name: "Image", type: "string", jsonPath: ".spec.image" }],
  crdLabels: servingCrdLabels,
  properties: {
    spec: object(
      "What is asked for.",
      {
        image: string("The image."),
        serviceAccountName: string("The service account whose secrets open the registry."),
        imagePullSecrets: list("Secrets that open the registry.", localObjectReferenceSchema),
      },
      { required: ["image"] },
    ),
    status: object("What is known of the cache.", commonStatusFields),
  },
});
export type Image = ObjectOf<typeof Image>;
