import { defineKind, type ObjectOf } from "../kind.ts";
import { object, string } from "../schema.ts";
import { networkingCrdLabels } from "./crd-parts.ts";
import { networkingInternalGroup } from "./labels.ts";

/** Gives a domain name (the object's name) to one namespace. */
export const ClusterDomainClaim = defineKind({
  group: networkingInternalGroup,
  version: "v1alpha1",
  kind: "ClusterDomainClaim",
  plural: "clusterdomainclaims",
  namespaced: false,
  shortNames: ["cdc"],
  categories: ["knative-internal", "networking"],
  description: "Gives a domain name (the object's name) to one namespace.",
  subresources: { status: true },
  crdLabels: networkingCrdLabels,
  properties: {
    spec: object(
      "What is asked for.",
      { namespace: string("The namespace that may use the domain.") },
      { required: ["namespace"] },
    ),
  },
});
export type ClusterDomainClaim = ObjectOf<typeof ClusterDomainClaim>;
