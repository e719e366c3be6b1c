import { defineKind, type ObjectOf } from "../kind.ts";
import { type FromSchema, int32, list, object, string } from "../schema.ts";
import { readyColumns, servingCrdLabels } from "./crd-parts.ts";
import { servingGroup } from "./labels.ts";
import { revisionSpecSchema } from "./pod-template.ts";
import { commonStatusFields } from "./status.ts";

const digests = (description: string) =>
  list(
    description,
    object("A container and its image.", {
      name: string("The container's name."),
      imageDigest: string("The image with its digest; empty for images that are not resolved."),
    }),
  );

/** A snapshot of code and configuration that never changes. */
export const Revision = defineKind({
  group: servingGroup,
  version: "v1",
  kind: "Revision",
  plural: "revisions",
  shortNames: ["rev"],
  categories: ["all", "knative", "serving"],
  description: "A snapshot of code and configuration that never changes; Configurations make them.",
  subresources: { status: true },
  printerColumns: [
    { name: "Config Name", type: "string", jsonPath: ".metadata.labels['serving\\.knative\\.dev/configuration']" },
    {
      name: "Generation",
      type: "string",
      jsonPath: ".metadata.labels['serving\\.knative\\.dev/configurationGeneration']",
    },
    ...readyColumns,
    { name: "Actual Replicas", type: "integer", jsonPath: ".status.actualReplicas" },
    { name: "Desired Replicas", type: "integer", jsonPath: ".status.desiredReplicas" },
  ],
  crdLabels: servingCrdLabels,
  properties: {
    spec: revisionSpecSchema,
    status: object("What is known of the revision.", {
      ...commonStatusFields,
      logUrl: string("Where its logs are."),
      containerStatuses: digests("The images of the containers."),
      initContainerStatuses: digests("The images of the init containers."),
      actualReplicas: int32("How many pods run."),
      desiredReplicas: int32("How many pods should run."),
    }),
  },
});
export type Revision = ObjectOf<typeof Revision>;
export type RevisionSpec = FromSchema<typeof revisionSpecSchema>;
