import { defineKind, type ObjectOf } from "../kind.ts";
import { int64, object, string } from "../schema.ts";
import { readyColumns, servingCrdLabels } from "../serving/crd-parts.ts";
import { commonStatusFields } from "../serving/status.ts";
import { autoscalingInternalGroup } from "./labels.ts";

/** What the autoscaler measures for a revision. */
export const Metric = defineKind({
  group: autoscalingInternalGroup,
  version: "v1alpha1",
  kind: "Metric",
  plural: "metrics",
  categories: ["knative-internal", "autoscaling"],
  description: "What the autoscaler measures for a revision.",
  subresources: { status: true },
  printerColumns: readyColumns,
  crdLabels: servingCrdLabels,
  properties: {
    spec: object(
      "What is asked for.",
      {
        stableWindow: int64("The time over which values are averaged, in nanoseconds.", "shown"),
        panicWindow: int64("The short window that notices bursts, in nanoseconds.", "shown"),
        scrapeTarget: string("The Kubernetes Service whose pods are asked."),
      },
      { required: ["panicWindow", "scrapeTarget", "stableWindow"] },
    ),
    status: object("Whether it can be measured.", commonStatusFields),
  },
});
export type Metric = ObjectOf<typeof Metric>;
