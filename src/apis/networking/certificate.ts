import { defineKind, type ObjectOf } from "../kind.ts";
import { intOrString, list, object, string, strings, time } from "../schema.ts";
import { commonStatusFields } from "../serving/status.ts";
import { networkingCrdLabels } from "./crd-parts.ts";
import { networkingInternalGroup } from "./labels.ts";

/** A TLS certificate for some names, which a certificate provider of the annotated class gets. */
export const Certificate = defineKind({
  group: networkingInternalGroup,
  version: "v1alpha1",
  kind: "Certificate",
  plural: "certificates",
  shortNames: ["kcert"],
  categories: ["knative-internal", "networking"],
  description: "A TLS certificate for some names, which a certificate provider of the annotated class gets.",
  subresources: { status: true },
  printerColumns: [
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Reason", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  ],
  crdLabels: networkingCrdLabels,
  properties: {
    spec: object(
      "What is asked for.",
      {
        dnsNames: strings("The names; one may be a wildcard such as *.default.example.com."),
        domain: string("The domain under which the names are."),
        secretName: string("The Secret that the certificate is put into."),
      },
      { required: ["dnsNames", "secretName"] },
    ),
    status: object("What is known of the certificate.", {
      ...commonStatusFields,
      notAfter: time("When the certificate ends."),
      http01Challenges: list(
        "What must be reachable over HTTP to prove that the names are ours.",
        object("One challenge.", {
          url: string("The URL that will be asked."),
          serviceName: string("The Service that answers."),
          serviceNamespace: string("The Service's namespace."),
          servicePort: intOrString("The Service's port.", "shown"),
        }),
      ),
    }),
  },
});
export type Certificate = ObjectOf<typeof Certificate>;
