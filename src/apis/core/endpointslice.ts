import { defineKind, type ObjectOf } from "../kind.ts";
import {
  atomic,
  atomicList,
  bool,
  described,
  type FromSchema,
  int32,
  list,
  object,
  string,
  stringMap,
  strings,
} from "../schema.ts";
import { objectReferenceSchema } from "./references.ts";

const endpointSchema = object(
  "One pod or host.",
  {
    addresses: strings("Its addresses; any one will do.", { "x-kubernetes-list-type": "set" }),
    conditions: object("Its state.", {
      ready: bool("Whether it may get requests; absent means yes."),
      serving: bool("As ready, even while it is being stopped."),
      terminating: bool("Whether it is being stopped."),
    }),
    hostname: string("Its host name."),
    targetRef: described("The pod.", objectReferenceSchema),
    deprecatedTopology: stringMap("Where it is, as older versions told."),
    nodeName: string("The node it is on."),
    zone: string("The zone it is in."),
    hints: object("Who should use it.", {
      forZones: list(
        "The zones.",
        object("One zone.", { name: string("Its name.") }, { required: ["name"] }),
        atomicList,
      ),
    }),
  },
  { required: ["addresses"] },
);

/** The label that names an EndpointSlice's Service. */
export const serviceNameLabel = "kubernetes.io/service-name";

/** A part of the addresses behind a Service. */
export const EndpointSlice = defineKind({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  description: "A part of the addresses behind a Service.",
  properties: {
    addressType: string("IPv4, IPv6 or FQDN. Cannot be changed."),
    endpoints: list("The pods or hosts.", endpointSchema, atomicList),
    ports: list(
      "The ports of each.",
      object(
        "One port.",
        {
          name: string("The name of the Service's port."),
          protocol: string("TCP (unless told), UDP or SCTP."),
          port: int32("The number; all where absent."),
          appProtocol: string("The protocol spoken on the port."),
        },
        atomic,
      ),
      atomicList,
    ),
  },
});
export type EndpointSlice = ObjectOf<typeof EndpointSlice>;
export type Endpoint = FromSchema<typeof endpointSchema>;
