import { defineKind, type ObjectOf } from "../kind.ts";
import { atomicList, described, type FromSchema, int32, list, object, string } from "../schema.ts";
import { objectReferenceSchema } from "./references.ts";

const addressSchema = object(
  "One address.",
  {
    ip: string("The address."),
    hostname: string("Its host name."),
    nodeName: string("The node it is on."),
    targetRef: described("The pod that has it.", objectReferenceSchema),
  },
  { required: ["ip"], "x-kubernetes-map-type": "atomic" },
);

const portSchema = object(
  "One port.",
  {
    name: string("The name of the Service's port."),
    port: int32("The number.", "shown"),
    protocol: string("TCP (unless told), UDP or SCTP.", { "x-words": ["TCP", "UDP", "SCTP"] }),
    appProtocol: string("The protocol spoken on the port."),
  },
  { required: ["port"], "x-kubernetes-map-type": "atomic" },
);

/** The addresses behind the Service of the same name. */
export const Endpoints = defineKind({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  shortNames: ["ep"],
  description: "The addresses behind the Service of the same name.",
  properties: {
    subsets: list(
      "Sets of addresses that share ports.",
      object("One set.", {
        addresses: list("Those that are ready.", addressSchema, atomicList),
        notReadyAddresses: list("Those that are not ready.", addressSchema, atomicList),
        ports: list("The ports.", portSchema, atomicList),
      }),
      atomicList,
    ),
  },
});
export type Endpoints = ObjectOf<typeof Endpoints>;
export type EndpointAddress = FromSchema<typeof addressSchema>;
export type EndpointPort = FromSchema<typeof portSchema>;
