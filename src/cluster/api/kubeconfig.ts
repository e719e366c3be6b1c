import { stringify } from "yaml";
import type { CertificatePair } from "../../lib/x509.ts";

/** A kubeconfig (YAML) with one context, `name`, that authenticates by a client certificate. */
export function makeKubeconfig(server: string, caCertificate: string, client: CertificatePair, name: string): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { server, "certificate-authority-data": base64(caCertificate) } }],
    users: [
      {
        name,
        user: { "client-certificate-data": base64(client.certificate), "client-key-data": base64(client.key) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}
