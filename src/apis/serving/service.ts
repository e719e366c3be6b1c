import { defineKind, type ObjectOf } from "../kind.ts";
import { controllerOf, type KubeObject } from "../meta.ts";
import { object } from "../schema.ts";
import { readyColumns, servingCrdLabels } from "./crd-parts.ts";
import { servingGroup } from "./labels.ts";
import { revisionTemplateSchema } from "./pod-template.ts";
import { commonStatusFields, configurationStatusFields, routeStatusFields, trafficSchema } from "./status.ts";

/** Code that runs, with a URL: a Configuration and a Route in one. Named so, since Kubernetes has a Service too. */
export const KnativeService = defineKind({
  group: servingGroup,
  version: "v1",
  kind: "Service",
  plural: "services",
  shortNames: ["kservice", "ksvc"],
  categories: ["all", "knative", "serving"],
  description: "Code that runs, with a URL: it makes and keeps a Configuration and a Route of the same name.",
  subresources: { status: true },
  printerColumns: [
    { name: "URL", type: "string", jsonPath: ".status.url" },
    { name: "LatestCreated", type: "string", jsonPath: ".status.latestCreatedRevisionName" },
    { name: "LatestReady", type: "string", jsonPath: ".status.latestReadyRevisionName" },
    ...readyColumns,
  ],
  crdLabels: { ...servingCrdLabels, "duck.knative.dev/addressable": "true", "duck.knative.dev/podspecable": "true" },
  properties: {
    spec: object(
      "What is asked for.",
      {
        template: revisionTemplateSchema,
        traffic: trafficSchema("The revisions and their shares; the latest gets all unless told."),
      },
      { "x-present": ["template"] },
    ),
    status: object("What is known of the service.", {
      ...commonStatusFields,
      ...configurationStatusFields,
      ...routeStatusFields,
    }),
  },
});
export type KnativeService = ObjectOf<typeof KnativeService>;

/** Whether an object, a Configuration or a Route, is part of a Service of ours. */
export function isOfKnativeService(object: KubeObject): boolean {
  return controllerOf(object)?.kind === KnativeService.kind;
}
