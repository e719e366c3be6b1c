import { objectReferenceSchema } from "../core/references.ts";
import { defineKind, type ObjectOf } from "../kind.ts";
import { described, int32, object, plain, string, words } from "../schema.ts";
import { readyColumns } from "../serving/crd-parts.ts";
import { commonStatusFields } from "../serving/status.ts";
import { networkingCrdLabels } from "./crd-parts.ts";
import { networkingInternalGroup } from "./labels.ts";

/** Kubernetes Services in front of a revision: they lead to its pods, or to the activator. */
export const ServerlessService = defineKind({
  group: networkingInternalGroup,
  version: "v1alpha1",
  kind: "ServerlessService",
  plural: "serverlessservices",
  shortNames: ["sks"],
  categories: ["knative-internal", "networking"],
  description: "Kubernetes Services in front of a revision: they lead to its pods, or to the activator.",
  subresources: { status: true },
  printerColumns: [
    { name: "Mode", type: "string", jsonPath: ".spec.mode" },
    { name: "Activators", type: "integer", jsonPath: ".spec.numActivators" },
    { name: "ServiceName", type: "string", jsonPath: ".status.serviceName" },
    { name: "PrivateServiceName", type: "string", jsonPath: ".status.privateServiceName" },
    ...readyColumns,
  ],
  crdLabels: networkingCrdLabels,
  properties: {
    spec: object(
      "What is asked for.",
      {
        mode: words("Proxy: requests go to the activator; Serve: straight to the pods.", ["Proxy", "Serve"]),
        objectRef: { ...described("What the pods belong to: a Deployment.", objectReferenceSchema), ...plain },
        protocolType: words("The protocol of the container: http1 or h2c.", ["http1", "h2c"]),
        numActivators: int32("How many activators are in the path; 0 means all.", "dropped"),
      },
      { required: ["objectRef", "protocolType"] },
    ),
    status: object("The Services.", {
      ...commonStatusFields,
      serviceName: string("The Service that reaches the pods or the activator."),
      privateServiceName: string("The Service that reaches the pods only."),
    }),
  },
});
export type ServerlessService = ObjectOf<typeof ServerlessService>;
