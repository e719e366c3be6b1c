import { defineKind, type ObjectOf } from "../kind.ts";
import { type FromSchema, object } from "../schema.ts";
import { readyColumns, servingCrdLabels } from "./crd-parts.ts";
import { servingGroup } from "./labels.ts";
import { commonStatusFields, routeStatusFields, trafficSchema, type trafficTargetSchema } from "./status.ts";

/** A URL, and the shares of its requests that revisions get. */
export const Route = defineKind({
  group: servingGroup,
  version: "v1",
  kind: "Route",
  plural: "routes",
  shortNames: ["rt"],
  categories: ["all", "knative", "serving"],
  description: "A URL, and the shares of its requests that revisions get.",
  subresources: { status: true },
  printerColumns: [{ name: "URL", type: "string", jsonPath: ".status.url" }, ...readyColumns],
  crdLabels: { ...servingCrdLabels, "duck.knative.dev/addressable": "true" },
  properties: {
    spec: object("What is asked for.", { traffic: trafficSchema("The revisions and their shares.") }),
    status: object("What is known of the route.", { ...routeStatusFields, ...commonStatusFields }),
  },
});
export type Route = ObjectOf<typeof Route>;
export type TrafficTarget = FromSchema<typeof trafficTargetSchema>;
