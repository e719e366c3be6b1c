import { defineKind, type ObjectOf } from "../kind.ts";
import { anyObject, bool, type FromSchema, int32, list, mapOf, object, string, stringMap, strings } from "../schema.ts";
import { istioNetworkingGroup } from "./labels.ts";

/** What is described here is what we read and write; other fields of Istio's are kept as they are. */
const andOthers = { "x-kubernetes-preserve-unknown-fields": true } as const;

const stringMatchSchema = object("What a text must be; one field is set.", {
  exact: string("The exact text."),
  prefix: string("How it must begin."),
  regex: string("A regular expression (RE2) for all of it."),
});

const headerOperationsSchema = object("Changes of headers.", {
  set: stringMap("Headers that are replaced."),
  add: stringMap("Headers that are added."),
  remove: strings("Headers that are taken away."),
});

const headersSchema = object("Changes of headers of requests and responses.", {
  request: headerOperationsSchema,
  response: headerOperationsSchema,
});

const destinationSchema = object(
  "Where requests go.",
  {
    host: string("The Service's name, best fully qualified."),
    subset: string("A subset that a DestinationRule names."),
    port: object("The Service's port.", { number: int32("Its number.") }),
  },
  { required: ["host"] },
);

const matchSchema = object(
  "Which requests; all given fields must fit.",
  {
    name: string("A name for statistics."),
    uri: stringMatchSchema,
    scheme: stringMatchSchema,
    method: stringMatchSchema,
    authority: stringMatchSchema,
    headers: mapOf("Headers and their values.", stringMatchSchema),
    port: int32("The port of the gateway."),
    sourceLabels: stringMap("Labels of the calling pods."),
    gateways: strings("The gateways to which this applies."),
    queryParams: mapOf("Query parameters and their values.", stringMatchSchema),
    ignoreUriCase: bool("Whether uri is compared without regard to case."),
    withoutHeaders: mapOf("Headers that must not fit.", stringMatchSchema),
    sourceNamespace: string("The namespace of the calling pods."),
  },
  andOthers,
);

const httpRouteSchema = object(
  "Some requests, and what is done with them.",
  {
    name: string("A name for statistics."),
    match: list("The requests: those that fit one of these; all unless told.", matchSchema),
    route: list(
      "Where the requests go, by weight.",
      object(
        "A destination and its share.",
        {
          destination: destinationSchema,
          weight: int32("The share."),
          headers: headersSchema,
        },
        { required: ["destination"] },
      ),
    ),
    redirect: anyObject("Answers with a redirect."),
    directResponse: anyObject("Answers without asking anyone."),
    delegate: anyObject("Leaves the decision to another VirtualService."),
    rewrite: object(
      "Changes of the path and the host.",
      { uri: string("The path's new prefix."), authority: string("The new host.") },
      andOthers,
    ),
    timeout: string("How long the answer may take."),
    retries: object(
      "How often a failed request is sent again.",
      {
        attempts: int32("At most so often."),
        perTryTimeout: string("How long one attempt may take."),
        retryOn: string("Which failures."),
      },
      andOthers,
    ),
    fault: anyObject("Failures made on purpose."),
    mirror: anyObject("Where a copy of the requests goes."),
    corsPolicy: anyObject("What browsers may do from other origins."),
    headers: headersSchema,
  },
  andOthers,
);

/** How Istio routes requests for some hosts. */
export const VirtualService = defineKind({
  group: istioNetworkingGroup,
  version: "v1beta1",
  kind: "VirtualService",
  plural: "virtualservices",
  shortNames: ["vs"],
  categories: ["istio-io", "networking-istio-io"],
  description: "How Istio routes requests for some hosts.",
  subresources: { status: true },
  printerColumns: [
    { name: "Gateways", type: "string", jsonPath: ".spec.gateways", description: "The gateways to which it applies." },
    { name: "Hosts", type: "string", jsonPath: ".spec.hosts", description: "The hosts." },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
  properties: {
    spec: object(
      "What is asked for.",
      {
        hosts: strings("The hosts of the requests."),
        gateways: strings("The gateways (namespace/name) to which it applies; mesh stands for all sidecars."),
        http: list("Rules for HTTP; the first one that fits is taken.", httpRouteSchema),
        tls: list("Rules for TLS that is passed through.", anyObject("One rule.")),
        tcp: list("Rules for TCP.", anyObject("One rule.")),
        exportTo: strings("The namespaces that see it."),
      },
      andOthers,
    ),
    status: anyObject("What Istio tells about it."),
  },
});
export type VirtualService = ObjectOf<typeof VirtualService>;
export type HTTPRoute = FromSchema<typeof httpRouteSchema>;
export type HTTPMatchRequest = FromSchema<typeof matchSchema>;
export type StringMatch = FromSchema<typeof stringMatchSchema>;
