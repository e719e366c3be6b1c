import { defineKind, type ObjectOf } from "../kind.ts";
import { labelSelectorSchema } from "../meta.ts";
import {
  atomicList,
  described,
  type FromSchema,
  int32,
  int64,
  list,
  object,
  quantity,
  string,
  time,
  words,
} from "../schema.ts";

const crossVersionReferenceSchema = object(
  "Names an object in the same namespace.",
  { kind: string("Its kind."), name: string("Its name."), apiVersion: string("Its group and version.") },
  { required: ["kind", "name"] },
);

const metricIdentifierSchema = object(
  "A metric.",
  { name: string("Its name."), selector: described("Narrows it by labels.", labelSelectorSchema) },
  { required: ["name"] },
);

const targetSchema = object(
  "The value that is aimed at.",
  {
    type: words("Which field counts.", ["Utilization", "Value", "AverageValue"]),
    value: quantity("The value."),
    averageValue: quantity("The value per pod."),
    averageUtilization: int32("The share of the requests, in percent."),
  },
  { required: ["type"] },
);

const currentSchema = object("The present value.", {
  value: quantity("The value."),
  averageValue: quantity("The value per pod."),
  averageUtilization: int32("The share of the requests, in percent."),
});

const metricSpecSchema = object(
  "A metric and its target; the field named by type is set.",
  {
    type: words("Which field is set.", ["Object", "Pods", "Resource", "ContainerResource", "External"]),
    object: object("A metric of one object.", {
      describedObject: crossVersionReferenceSchema,
      target: targetSchema,
      metric: metricIdentifierSchema,
    }),
    pods: object("A metric of the pods.", { metric: metricIdentifierSchema, target: targetSchema }),
    resource: object("A resource of the pods.", { name: string("cpu or memory."), target: targetSchema }),
    containerResource: object("A resource of one container of the pods.", {
      name: string("cpu or memory."),
      target: targetSchema,
      container: string("The container."),
    }),
    external: object("A metric from outside.", { metric: metricIdentifierSchema, target: targetSchema }),
  },
  { required: ["type"] },
);

const metricStatusSchema = object(
  "A metric and its present value; the field named by type is set.",
  {
    type: string("Which field is set."),
    object: object("A metric of one object.", {
      metric: metricIdentifierSchema,
      current: currentSchema,
      describedObject: crossVersionReferenceSchema,
    }),
    pods: object("A metric of the pods.", { metric: metricIdentifierSchema, current: currentSchema }),
    resource: object("A resource of the pods.", { name: string("cpu or memory."), current: currentSchema }),
    containerResource: object("A resource of one container of the pods.", {
      name: string("cpu or memory."),
      current: currentSchema,
      container: string("The container."),
    }),
    external: object("A metric from outside.", { metric: metricIdentifierSchema, current: currentSchema }),
  },
  { required: ["type"] },
);

const scalingRulesSchema = object("How fast the scale may change.", {
  stabilizationWindowSeconds: int32("Seconds over which the gentlest wish counts."),
  selectPolicy: string("Max, Min or Disabled."),
  policies: list(
    "Limits.",
    object(
      "One limit.",
      { type: string("Pods or Percent."), value: int32("So many."), periodSeconds: int32("In so many seconds.") },
      { required: ["type", "value", "periodSeconds"] },
    ),
    atomicList,
  ),
});

/** Keeps a metric of pods near a target by changing their number. */
export const HorizontalPodAutoscaler = defineKind({
  group: "autoscaling",
  version: "v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  description: "Keeps metrics of pods near their targets by changing the number of pods.",
  subresources: { status: true },
  properties: {
    spec: object(
      "What is asked for.",
      {
        scaleTargetRef: described("What is scaled.", crossVersionReferenceSchema),
        minReplicas: int32("At least so many pods; 1 unless told."),
        maxReplicas: int32("At most so many pods."),
        metrics: list("The metrics; the one that wants most pods wins.", metricSpecSchema, atomicList),
        behavior: object("How fast the scale may change.", {
          scaleUp: scalingRulesSchema,
          scaleDown: scalingRulesSchema,
        }),
      },
      { required: ["scaleTargetRef", "maxReplicas"] },
    ),
    status: object(
      "What is known of the scale.",
      {
        observedGeneration: int64("The generation that the status is about."),
        lastScaleTime: time("When the scale last changed."),
        currentReplicas: int32("How many pods there are."),
        desiredReplicas: int32("How many pods there should be."),
        currentMetrics: list("The present values.", metricStatusSchema, atomicList),
        conditions: list(
          "Aspects of its state.",
          object(
            "One aspect.",
            {
              type: string("AbleToScale, ScalingActive, ScalingLimited."),
              status: words("True, False or Unknown.", ["True", "False", "Unknown"]),
              lastTransitionTime: time("When it last changed."),
              reason: string("One word for the last change."),
              message: string("Details of the last change."),
            },
            { required: ["type", "status"] },
          ),
          {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "type",
          },
        ),
      },
      { required: ["desiredReplicas"] },
    ),
  },
});
export type HorizontalPodAutoscaler = ObjectOf<typeof HorizontalPodAutoscaler>;
export type MetricSpec = FromSchema<typeof metricSpecSchema>;
