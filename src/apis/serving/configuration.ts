import { defineKind, type ObjectOf } from "../kind.ts";
import { object } from "../schema.ts";
import { readyColumns, servingCrdLabels } from "./crd-parts.ts";
import { servingGroup } from "./labels.ts";
import { revisionTemplateSchema } from "./pod-template.ts";
import { commonStatusFields, configurationStatusFields } from "./status.ts";

/** The latest wish for how the code runs; every change makes a new Revision. */
export const Configuration = defineKind({
  group: servingGroup,
  version: "v1",
  kind: "Configuration",
  plural: "configurations",
  shortNames: ["config", "cfg"],
  categories: ["all", "knative", "serving"],
  description: "How the code runs: every change of the template makes a new Revision.",
  subresources: { status: true },
  printerColumns: [
    { name: "LatestCreated", type: "string", jsonPath: ".status.latestCreatedRevisionName" },
    { name: "LatestReady", type: "string", jsonPath: ".status.latestReadyRevisionName" },
    ...readyColumns,
  ],
  crdLabels: { ...servingCrdLabels, "duck.knative.dev/podspecable": "true" },
  properties: {
    spec: object("What is asked for.", { template: revisionTemplateSchema }, { "x-present": ["template"] }),
    status: object("What is known of the revisions.", { ...commonStatusFields, ...configurationStatusFields }),
  },
});
export type Configuration = ObjectOf<typeof Configuration>;
