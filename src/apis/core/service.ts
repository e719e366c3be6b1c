import { defineKind, type ObjectOf } from "../kind.ts";
import {
  atomic,
  atomicList,
  bool,
  type FromSchema,
  int32,
  int64,
  intOrString,
  list,
  mergedBy,
  object,
  string,
  stringMap,
  strings,
  time,
  words,
} from "../schema.ts";

const servicePortSchema = object(
  "A port of the Service.",
  {
    name: string("The port's name; needed where there is more than one."),
    protocol: string("TCP (unless told), UDP or SCTP.", { "x-words": ["TCP", "UDP", "SCTP"], default: "TCP" }),
    appProtocol: string("The protocol spoken on the port, such as kubernetes.io/h2c."),
    port: int32("The port's number.", "shown"),
    targetPort: intOrString("The pods' port, by number or name; the same number unless told."),
    nodePort: int32("The port on every node, for NodePort and LoadBalancer.", "dropped"),
  },
  { required: ["port"] },
);

/** The schema of meta/v1 Condition, which some built-in kinds use. */
export const metaConditionSchema = object(
  "One aspect of the object's state.",
  {
    type: string("The aspect."),
    status: words("True, False or Unknown.", ["True", "False", "Unknown"]),
    observedGeneration: int64("The generation that this is about."),
    lastTransitionTime: time("When it last changed."),
    reason: string("One word for the last change."),
    message: string("Details of the last change."),
  },
  { required: ["type", "status", "lastTransitionTime", "reason", "message"] },
);

/** A stable name and address for pods. */
export const Service = defineKind({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  description: "A stable name and address for a set of pods.",
  subresources: { status: true },
  properties: {
    spec: object("Which pods, at which address and ports.", {
      ports: list("The ports of the Service.", servicePortSchema, mergedBy("port", "port", "protocol")),
      selector: { ...stringMap("Labels of the pods; where absent, somebody else keeps the Endpoints."), ...atomic },
      clusterIP: string("The address; given by the server unless told, None for a Service without one."),
      clusterIPs: strings("The addresses, one per family.", atomicList),
      type: words("ClusterIP (unless told), NodePort, LoadBalancer or ExternalName.", [
        "ClusterIP",
        "NodePort",
        "LoadBalancer",
        "ExternalName",
      ]),
      externalIPs: strings("More addresses at which nodes take traffic.", atomicList),
      sessionAffinity: string("ClientIP sends one client to one pod; None unless told."),
      loadBalancerIP: string("The wish for the load balancer's address."),
      loadBalancerSourceRanges: strings("The clients that the load balancer lets in.", atomicList),
      externalName: string("For ExternalName: the DNS name that the Service stands for."),
      externalTrafficPolicy: string("Cluster, or Local: only pods of the node that takes the traffic."),
      healthCheckNodePort: int32("The node's port that tells whether it has pods.", "dropped"),
      publishNotReadyAddresses: bool("Whether pods that are not ready count as ready.", "dropped"),
      sessionAffinityConfig: object("Details of the session affinity.", {
        clientIP: object("Of ClientIP.", { timeoutSeconds: int32("Seconds it lasts; 10800 unless told.") }),
      }),
      ipFamilies: strings("IPv4 and IPv6, in order of preference.", atomicList),
      ipFamilyPolicy: string("SingleStack, PreferDualStack or RequireDualStack."),
      allocateLoadBalancerNodePorts: bool("Whether a LoadBalancer has node ports; true unless told."),
      loadBalancerClass: string("Who provides the load balancer."),
      internalTrafficPolicy: string("Cluster, or Local: only pods of the same node."),
    }),
    status: object("What is known of the Service.", {
      loadBalancer: object("The load balancer.", {
        ingress: list(
          "Where it takes traffic.",
          object("One place.", {
            ip: string("The address."),
            hostname: string("The name."),
            ipMode: string("VIP or Proxy."),
            ports: list(
              "The state of its ports.",
              object(
                "One port.",
                {
                  port: int32("The number.", "shown"),
                  protocol: string("The protocol."),
                  error: string("What is wrong."),
                },
                { required: ["port", "protocol"] },
              ),
              atomicList,
            ),
          }),
          atomicList,
        ),
      }),
      conditions: list("Aspects of the Service's state.", metaConditionSchema, mergedBy("type")),
    }),
  },
});
export type Service = ObjectOf<typeof Service>;
export type ServicePort = FromSchema<typeof servicePortSchema>;
