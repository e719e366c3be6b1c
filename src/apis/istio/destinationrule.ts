import { defineKind, type ObjectOf } from "../kind.ts";
import { anyObject, list, object, string, stringMap, strings } from "../schema.ts";
import { istioNetworkingGroup } from "./labels.ts";

const trafficPolicySchema = object(
  "How connections to the pods are made.",
  {
    loadBalancer: object(
      "How a pod is chosen.",
      { simple: string("ROUND_ROBIN, LEAST_REQUEST, RANDOM or PASSTHROUGH (the address that the caller asked for).") },
      { "x-kubernetes-preserve-unknown-fields": true },
    ),
    tls: object(
      "TLS to the pods.",
      { mode: string("DISABLE, SIMPLE, MUTUAL or ISTIO_MUTUAL.") },
      { "x-kubernetes-preserve-unknown-fields": true },
    ),
  },
  { "x-kubernetes-preserve-unknown-fields": true },
);

/** How Istio treats requests to one host after they were routed. */
export const DestinationRule = defineKind({
  group: istioNetworkingGroup,
  version: "v1beta1",
  kind: "DestinationRule",
  plural: "destinationrules",
  shortNames: ["dr"],
  categories: ["istio-io", "networking-istio-io"],
  description: "How requests to one host are treated after they were routed.",
  subresources: { status: true },
  printerColumns: [
    { name: "Host", type: "string", jsonPath: ".spec.host", description: "The host." },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
  properties: {
    spec: object(
      "What is asked for.",
      {
        host: string("The Service's name, best fully qualified."),
        trafficPolicy: trafficPolicySchema,
        subsets: list(
          "Named parts of the host's pods.",
          object(
            "One part.",
            { name: string("Its name."), labels: stringMap("Labels of its pods."), trafficPolicy: trafficPolicySchema },
            { required: ["name"] },
          ),
        ),
        exportTo: strings("The namespaces that see it."),
      },
      { required: ["host"], "x-kubernetes-preserve-unknown-fields": true },
    ),
    status: anyObject("What Istio tells about it."),
  },
});
export type DestinationRule = ObjectOf<typeof DestinationRule>;
