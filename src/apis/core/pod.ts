import { defineKind, type ObjectOf } from "../kind.ts";
import { bool, described, type FromSchema, int32, list, mergedBy, object, string, time, words } from "../schema.ts";
import { resourceListSchema, resourceRequirementsSchema } from "./container.ts";
import { podSpecSchema } from "./pod-spec.ts";

const containerStateSchema = object("What the container does: one of waiting, running, terminated.", {
  waiting: object("It has not started.", { reason: string("Why, in one word."), message: string("Why.") }),
  running: object("It runs.", { startedAt: time("Since when.") }),
  terminated: object(
    "It has ended.",
    {
      exitCode: int32("Its exit code.", "shown"),
      signal: int32("The signal that ended it.", "dropped"),
      reason: string("Why, in one word."),
      message: string("Its last words."),
      startedAt: time("When it started."),
      finishedAt: time("When it ended."),
      containerID: string("Its id."),
    },
    { required: ["exitCode"] },
  ),
});

const containerStatusSchema = object(
  "The state of one container.",
  {
    name: string("The container's name."),
    state: containerStateSchema,
    lastState: described("What the container did before it was last restarted.", containerStateSchema),
    ready: bool("Whether its readiness probe passes.", "shown"),
    restartCount: int32("How often it was restarted.", "shown"),
    image: string("The image that it runs."),
    imageID: string("The image's digest."),
    containerID: string("The container's id."),
    started: bool("Whether its startup probe has passed."),
    allocatedResources: described("What the node has reserved.", resourceListSchema),
    resources: described("What the running container has.", resourceRequirementsSchema),
  },
  { required: ["name", "ready", "restartCount", "image", "imageID"] },
);

const podConditionSchema = object(
  "One aspect of the pod's state.",
  {
    type: string("PodScheduled, Initialized, ContainersReady, Ready, ..."),
    status: words("True, False or Unknown.", ["True", "False", "Unknown"]),
    lastProbeTime: time("When it was last looked at."),
    lastTransitionTime: time("When it last changed."),
    reason: string("One word for the last change."),
    message: string("Details of the last change."),
  },
  { required: ["type", "status"] },
);

const statuses = (description: string) =>
  list(description, containerStatusSchema, { "x-kubernetes-list-type": "atomic" });

/** The smallest thing that runs: containers that share an address and volumes. */
export const Pod = defineKind({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  shortNames: ["po"],
  categories: ["all"],
  description: "Containers that run together on one node and share an address and volumes.",
  subresources: { status: true },
  properties: {
    spec: podSpecSchema,
    status: object("What is known of the running pod.", {
      phase: words("Where the pod is in its life.", ["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
      conditions: list("Aspects of the pod's state.", podConditionSchema, mergedBy("type")),
      message: string("Why the pod is in this state."),
      reason: string("Why, in one word, such as Evicted."),
      nominatedNodeName: string("The node on which room is being made."),
      hostIP: string("The node's address."),
      hostIPs: list("The node's addresses.", object("One address.", { ip: string("The address.") }), {
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": "ip",
        "x-kubernetes-list-type": "atomic",
      }),
      podIP: string("The pod's address."),
      podIPs: list("The pod's addresses.", object("One address.", { ip: string("The address.") }), mergedBy("ip")),
      startTime: time("When the node agent took the pod."),
      initContainerStatuses: statuses("The states of the init containers."),
      containerStatuses: statuses("The states of the containers."),
      qosClass: string("Guaranteed, Burstable or BestEffort, from the requests and limits."),
      ephemeralContainerStatuses: statuses("The states of the ephemeral containers."),
      resize: string("The state of a change of resources."),
      resourceClaimStatuses: list(
        "The claims made for the pod.",
        object(
          "One claim.",
          { name: string("Its name in the pod."), resourceClaimName: string("The ResourceClaim.") },
          { required: ["name"] },
        ),
        mergedBy("name"),
      ),
    }),
  },
});
export type Pod = ObjectOf<typeof Pod>;
export type ContainerStatus = FromSchema<typeof containerStatusSchema>;
export type PodCondition = FromSchema<typeof podConditionSchema>;

/** Whether the pod's readiness probes pass, as its condition Ready says. */
export function isPodReady(pod: Pod): boolean {
  return pod.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
}
