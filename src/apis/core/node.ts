import { defineKind, type ObjectOf } from "../kind.ts";
import {
  atomicList,
  bool,
  described,
  int32,
  int64,
  list,
  mergedBy,
  object,
  string,
  strings,
  time,
  words,
} from "../schema.ts";
import { resourceListSchema } from "./container.ts";

/** A machine that runs pods. */
export const Node = defineKind({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  namespaced: false,
  shortNames: ["no"],
  description: "A machine that runs pods.",
  subresources: { status: true },
  properties: {
    spec: object("What is asked for.", {
      podCIDR: string("The addresses of its pods."),
      podCIDRs: strings("The addresses of its pods, by family.", {
        "x-kubernetes-list-type": "set",
        "x-kubernetes-patch-strategy": "merge",
      }),
      providerID: string("Its name at the cloud provider."),
      unschedulable: bool("Whether it takes no new pods."),
      taints: list(
        "What keeps pods off it.",
        object(
          "One taint.",
          {
            key: string("Its key."),
            value: string("Its value."),
            effect: string("NoSchedule, PreferNoSchedule or NoExecute."),
            timeAdded: time("Since when."),
          },
          { required: ["key", "effect"] },
        ),
        atomicList,
      ),
    }),
    status: object("What is known of the machine.", {
      capacity: described("What it has.", resourceListSchema),
      allocatable: described("What pods may use.", resourceListSchema),
      phase: string("No longer used."),
      conditions: list(
        "Aspects of its state.",
        object(
          "One aspect.",
          {
            type: string("Ready, MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable."),
            status: words("True, False or Unknown.", ["True", "False", "Unknown"]),
            lastHeartbeatTime: time("When it was last told."),
            lastTransitionTime: time("When it last changed."),
            reason: string("One word for the last change."),
            message: string("Details of the last change."),
          },
          { required: ["type", "status"] },
        ),
        mergedBy("type"),
      ),
      addresses: list(
        "Its addresses.",
        object(
          "One address.",
          {
            type: string("Hostname, InternalIP, ExternalIP, InternalDNS, ExternalDNS."),
            address: string("The address."),
          },
          { required: ["type", "address"] },
        ),
        mergedBy("type"),
      ),
      daemonEndpoints: object("The ports of its agents.", {
        kubeletEndpoint: object("The node agent's.", { Port: int32("The port.") }, { required: ["Port"] }),
      }),
      nodeInfo: object("What it is.", {
        machineID: string("The machine's id."),
        systemUUID: string("The system's UUID."),
        bootID: string("The id of the last start."),
        kernelVersion: string("The kernel."),
        osImage: string("The operating system's version."),
        containerRuntimeVersion: string("What runs containers."),
        kubeletVersion: string("The node agent's version."),
        kubeProxyVersion: string("The network proxy's version."),
        operatingSystem: string("The operating system."),
        architecture: string("The processor."),
      }),
      images: list(
        "Images it has.",
        object("One image.", { names: strings("Its names.", atomicList), sizeBytes: int64("Its size.") }),
        atomicList,
      ),
      volumesInUse: strings("Volumes that are in use.", atomicList),
      volumesAttached: list(
        "Volumes that are attached.",
        object(
          "One volume.",
          { name: string("Its name."), devicePath: string("The device's path.") },
          { required: ["name", "devicePath"] },
        ),
        atomicList,
      ),
    }),
  },
});
export type Node = ObjectOf<typeof Node>;
