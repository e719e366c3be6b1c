import { defineKind, type ObjectOf } from "../kind.ts";
import { labelSelectorSchema } from "../meta.ts";
import { described, int32, int64, intOrString, list, mapOf, mergedBy, object, string, time } from "../schema.ts";
import { metaConditionSchema } from "./service.ts";

/** How many of some pods must stay while nodes are emptied. */
export const PodDisruptionBudget = defineKind({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  description: "How many of some pods must stay while nodes are emptied.",
  subresources: { status: true },
  properties: {
    spec: object("What is asked for.", {
      minAvailable: intOrString("So many pods must stay, as a number or percentage."),
      selector: { ...described("The pods.", labelSelectorSchema), "x-kubernetes-patch-strategy": "replace" },
      maxUnavailable: intOrString("So many pods may be missing, as a number or percentage."),
      unhealthyPodEvictionPolicy: string(
        "Whether pods that are not ready may always go: IfHealthyBudget or AlwaysAllow.",
      ),
    }),
    status: object(
      "What is known of the pods.",
      {
        observedGeneration: int64("The generation that the status is about."),
        disruptedPods: mapOf("Pods that are about to go, and since when.", time("Since when.")),
        disruptionsAllowed: int32("How many pods may go now."),
        currentHealthy: int32("How many pods are ready."),
        desiredHealthy: int32("How many must be ready."),
        expectedPods: int32("How many there should be."),
        conditions: list("Aspects of its state.", metaConditionSchema, mergedBy("type")),
      },
      { required: ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] },
    ),
  },
});
export type PodDisruptionBudget = ObjectOf<typeof PodDisruptionBudget>;
