import { object, string, time, words } from "../schema.ts";

/** The subresources of Deployments, ReplicaSets and StatefulSets. */
export const workloadSubresources = {
  status: true,
  scale: {
    specReplicasPath: ".spec.replicas",
    statusReplicasPath: ".status.replicas",
    labelSelectorPath: ".spec.selector",
  },
} as const;

/** The conditions of Deployments, ReplicaSets and StatefulSets. */
export const workloadConditionSchema = object(
  "One aspect of the object's state.",
  {
    type: string("The aspect, such as Available, Progressing or ReplicaFailure."),
    status: words("True, False or Unknown.", ["True", "False", "Unknown"]),
    lastUpdateTime: time("When it was last written; Deployments only."),
    lastTransitionTime: time("When its status last changed."),
    reason: string("One word for the last change."),
    message: string("Details of the last change."),
  },
  { required: ["type", "status"] },
);
