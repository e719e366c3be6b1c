import { defineKind, type ObjectOf } from "../kind.ts";
import {
  bool,
  type FromSchema,
  intOrString,
  list,
  mapOf,
  object,
  string,
  stringMap,
  strings,
  words,
} from "../schema.ts";
import { readyColumns } from "../serving/crd-parts.ts";
import { commonStatusFields } from "../serving/status.ts";
import { networkingCrdLabels } from "./crd-parts.ts";
import { networkingInternalGroup } from "./labels.ts";

const splitSchema = object(
  "A Kubernetes Service and its share of the requests.",
  {
    serviceNamespace: string("The Service's namespace."),
    serviceName: string("The Service's name."),
    servicePort: intOrString("The Service's port, by number or name.", "shown"),
    percent: {
      type: "integer",
      "x-zero": "dropped",
      description: "The share of the requests; 100 where there is one split only.",
    },
    appendHeaders: stringMap("Headers that are added to the requests of this split."),
  },
  { required: ["serviceName", "serviceNamespace", "servicePort"] },
);

const pathSchema = object(
  "Requests, and where they go.",
  {
    path: string("The prefix of the requests' path; all unless told."),
    rewriteHost: string("The host that requests carry on; their own unless told."),
    headers: mapOf(
      "Headers that requests must have.",
      object("What the header's value must be.", { exact: string("The exact value.") }, { required: ["exact"] }),
    ),
    splits: list("The Services and their shares, which add up to 100.", splitSchema),
    appendHeaders: stringMap("Headers that are added to the requests."),
  },
  { required: ["splits"] },
);

const ruleSchema = object(
  "What is done with the requests for some hosts.",
  {
    hosts: strings("The hosts; all unless told."),
    visibility: words("ExternalIP (unless told): from everywhere; ClusterLocal: from inside the cluster.", [
      "ExternalIP",
      "ClusterLocal",
    ]),
    http: object(
      "The paths.",
      { paths: list("The paths; the first one that fits is taken.", pathSchema) },
      { required: ["paths"] },
    ),
  },
  { "x-present": ["http"] },
);

const tlsSchema = object("A certificate for some hosts.", {
  hosts: strings("The hosts of the certificate."),
  secretName: string("The Secret with the certificate and the key."),
  secretNamespace: string("The Secret's namespace; the Ingress's own unless told."),
});

const loadBalancerSchema = object("A load balancer.", {
  ingress: list(
    "Where it takes requests.",
    object("One place.", {
      ip: string("The address."),
      domain: string("The domain name."),
      domainInternal: string("The domain name inside the cluster."),
      meshOnly: bool("Whether only a service mesh balances the load.", "dropped"),
    }),
  ),
});

/** How requests from outside reach Services: what a Route asks of the network layer. */
export const Ingress = defineKind({
  group: networkingInternalGroup,
  version: "v1alpha1",
  kind: "Ingress",
  plural: "ingresses",
  shortNames: ["kingress", "king"],
  categories: ["knative-internal", "networking"],
  description: "How requests reach Services: what a Route asks of the network layer.",
  subresources: { status: true },
  printerColumns: readyColumns,
  crdLabels: networkingCrdLabels,
  properties: {
    spec: object("What is asked for.", {
      tls: list("Certificates.", tlsSchema),
      rules: list("What is done with requests, by host.", ruleSchema),
      httpOption: words("What is done with plain HTTP: Enabled serves it, Redirected sends clients to HTTPS.", [
        "Enabled",
        "Redirected",
      ]),
    }),
    status: object("What is known of the network.", {
      ...commonStatusFields,
      publicLoadBalancer: loadBalancerSchema,
      privateLoadBalancer: loadBalancerSchema,
    }),
  },
});
export type Ingress = ObjectOf<typeof Ingress>;
export type IngressRule = FromSchema<typeof ruleSchema>;
export type IngressPath = FromSchema<typeof pathSchema>;
export type IngressBackendSplit = FromSchema<typeof splitSchema>;
export type IngressTLS = FromSchema<typeof tlsSchema>;
