import { defineKind, type ObjectOf } from "../kind.ts";
import { maybeEmpty, object, plain, string } from "../schema.ts";
import { readyColumns, servingCrdLabels } from "./crd-parts.ts";
import { servingGroup } from "./labels.ts";
import { addressableSchema, commonStatusFields } from "./status.ts";

/** A domain name (the object's name) that leads to a Service or another addressable object. */
export const DomainMapping = defineKind({
  group: servingGroup,
  version: "v1beta1",
  kind: "DomainMapping",
  plural: "domainmappings",
  shortNames: ["dm"],
  categories: ["all", "knative", "serving"],
  description: "A domain name (the object's name) that leads to a Service or another addressable object.",
  subresources: { status: true },
  printerColumns: [{ name: "URL", type: "string", jsonPath: ".status.url" }, ...readyColumns],
  crdLabels: servingCrdLabels,
  properties: {
    spec: object(
      "What is asked for.",
      {
        ref: object(
          "The object that the domain leads to.",
          {
            kind: string("Its kind, such as Service."),
            namespace: string("Its namespace; the mapping's own."),
            name: string("Its name."),
            apiVersion: string("Its group and version, such as serving.knative.dev/v1."),
            group: string("Its group, in place of apiVersion."),
            address: string("Which of its addresses is meant.", maybeEmpty),
          },
          { required: ["kind", "name"], ...plain },
        ),
        tls: object(
          "TLS with a certificate of one's own.",
          { secretName: string("The Secret with the certificate and the key.") },
          { required: ["secretName"] },
        ),
      },
      { required: ["ref"] },
    ),
    status: object("What is known of the mapping.", {
      ...commonStatusFields,
      url: string("The URL of the domain."),
      address: addressableSchema,
    }),
  },
});
export type DomainMapping = ObjectOf<typeof DomainMapping>;
