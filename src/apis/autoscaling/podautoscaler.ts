import { objectReferenceSchema } from "../core/references.ts";
import { defineKind, type ObjectOf } from "../kind.ts";
import { atomic, described, int32, int64, object, plain, string, words } from "../schema.ts";
import { readyColumns, servingCrdLabels } from "../serving/crd-parts.ts";
import { commonStatusFields } from "../serving/status.ts";
import { autoscalingInternalGroup } from "./labels.ts";

/** What a revision wants of autoscaling; an autoscaler of the annotated class acts on it. */
export const PodAutoscaler = defineKind({
  group: autoscalingInternalGroup,
  version: "v1alpha1",
  kind: "PodAutoscaler",
  plural: "podautoscalers",
  shortNames: ["kpa", "pa"],
  categories: ["knative-internal", "autoscaling"],
  description: "What a revision wants of autoscaling; an autoscaler of the annotated class acts on it.",
  subresources: { status: true },
  printerColumns: [
    { name: "DesiredScale", type: "integer", jsonPath: ".status.desiredScale" },
    { name: "ActualScale", type: "integer", jsonPath: ".status.actualScale" },
    ...readyColumns,
  ],
  crdLabels: servingCrdLabels,
  properties: {
    spec: object(
      "What is asked for.",
      {
        containerConcurrency: int64("The most requests that one pod handles at once; 0 means no limit.", "dropped"),
        scaleTargetRef: {
          ...described("What is scaled: a Deployment.", objectReferenceSchema),
          ...plain,
          "x-published": object(
            "What is scaled: a Deployment.",
            { apiVersion: string("Its group and version."), kind: string("Its kind."), name: string("Its name.") },
            atomic,
          ),
        },
        reachability: words("Whether a route leads to it: Reachable, Unreachable, or empty when not known.", [
          "Reachable",
          "Unreachable",
          "",
        ]),
        protocolType: words("The protocol of the container: http1 or h2c.", ["http1", "h2c"]),
      },
      { required: ["protocolType", "scaleTargetRef"] },
    ),
    status: object(
      "What is known of the scale.",
      {
        ...commonStatusFields,
        serviceName: string("The Kubernetes Service that reaches the pods, or the activator.", { "x-zero": "kept" }),
        metricsServiceName: string("The Kubernetes Service that reaches the pods for their metrics.", {
          "x-zero": "kept",
        }),
        desiredScale: int32("How many pods should run."),
        actualScale: int32("How many pods run."),
      },
      { required: ["metricsServiceName", "serviceName"] },
    ),
  },
});
export type PodAutoscaler = ObjectOf<typeof PodAutoscaler>;
