import { defineKind, type ObjectOf } from "../kind.ts";
import { anyObject, bool, type FromSchema, int32, list, object, string, stringMap, strings, words } from "../schema.ts";
import { istioNetworkingGroup } from "./labels.ts";

const serverSchema = object(
  "A port of the gateway, and the hosts it serves.",
  {
    name: string("The server's name."),
    port: object(
      "The port.",
      {
        number: int32("Its number."),
        protocol: string("HTTP, HTTPS, GRPC, HTTP2, TCP or TLS."),
        name: string("Its name."),
        targetPort: int32("The port on the pods; the same number unless told."),
      },
      { required: ["number", "protocol", "name"] },
    ),
    bind: string("The address it listens on."),
    hosts: strings("The hosts, with wildcards and namespaces as in ns/*.example.com."),
    tls: object(
      "How TLS is ended.",
      {
        httpsRedirect: bool("Whether plain HTTP is sent to HTTPS."),
        mode: words("Who proves who they are.", [
          "PASSTHROUGH",
          "SIMPLE",
          "MUTUAL",
          "AUTO_PASSTHROUGH",
          "ISTIO_MUTUAL",
          "OPTIONAL_MUTUAL",
        ]),
        serverCertificate: string("The file of the certificate."),
        privateKey: string("The file of the key."),
        caCertificates: string("The file of the clients' authority."),
        credentialName: string("The Secret with certificate and key."),
        minProtocolVersion: string("The oldest TLS version."),
        maxProtocolVersion: string("The newest TLS version."),
        cipherSuites: strings("The ciphers."),
      },
      { "x-kubernetes-preserve-unknown-fields": true },
    ),
    defaultEndpoint: string("Where traffic goes by default."),
  },
  { required: ["port", "hosts"] },
);

/** Ports that Istio's gateway pods open. */
export const Gateway = defineKind({
  group: istioNetworkingGroup,
  version: "v1beta1",
  kind: "Gateway",
  plural: "gateways",
  shortNames: ["gw"],
  categories: ["istio-io", "networking-istio-io"],
  description: "Ports that gateway pods open, and the hosts that they serve there.",
  subresources: { status: true },
  properties: {
    spec: object(
      "What is asked for.",
      {
        servers: list("The ports.", serverSchema),
        selector: stringMap("Labels of the gateway pods."),
      },
      { "x-kubernetes-preserve-unknown-fields": true },
    ),
    status: anyObject("What Istio tells about it."),
  },
});
export type Gateway = ObjectOf<typeof Gateway>;
export type GatewayServer = FromSchema<typeof serverSchema>;
