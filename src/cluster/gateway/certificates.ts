import { createSecureContext, type SecureContext } from "node:tls";
import type { Secret } from "../../apis/core/secret.ts";
import type { Gateway } from "../../apis/istio/gateway.ts";
import { istioNamespace } from "../../config/istio.ts";
import type { Lister, Reader } from "../../kube/api.ts";
import type { Clock } from "../../lib/clock.ts";
import { covers } from "./route-table.ts";

/** So long a certificate is served before its Secret is looked at again. */
const freshMs = 10_000;
const httpsPort = 443;

/** Finds the certificate for a TLS server name: that of the Gateway server whose hosts fit best. */
export function createCertificates(
  gateways: Pick<Lister<Gateway>, "list">,
  secrets: Pick<Reader<Secret>, "get">,
  clock: Clock,
): (serverName: string) => Promise<SecureContext | undefined> {
  const served = new Map<string, { readonly version: string; readonly context: SecureContext; checkedAt: number }>();

  const contextFor = async (name: string): Promise<SecureContext> => {
    const present = served.get(name);
    if (present && clock.monotonic() - present.checkedAt < freshMs) return present.context;
    const secret = await secrets.get({ namespace: istioNamespace, name });
    const version = secret.metadata.resourceVersion ?? "";
    const decode = (field: string) => Buffer.from(secret.data?.[field] ?? "", "base64");
    const context =
      present?.version === version
        ? present.context
        : createSecureContext({ cert: decode("tls.crt"), key: decode("tls.key") });
    served.set(name, { version, context, checkedAt: clock.monotonic() });
    return context;
  };

  return async (serverName) => {
    const name = credentialFor(serverName.toLowerCase(), gateways.list());
    return name === undefined ? undefined : contextFor(name);
  };
}

function credentialFor(serverName: string, gateways: readonly Gateway[]): string | undefined {
  let best: { readonly credential: string; readonly length: number } | undefined;
  for (const { port, hosts, tls } of gateways.flatMap(({ spec }) => spec.servers ?? [])) {
    const credential = tls?.credentialName;
    if (port.number !== httpsPort || !credential) continue;
    for (const pattern of hosts.map((host) => host.slice(host.indexOf("/") + 1).toLowerCase())) {
      if (pattern === serverName) return credential;
      const isBetter = !best || pattern.length > best.length;
      if (isBetter && covers(pattern, serverName)) best = { credential, length: pattern.length };
    }
  }
  return best?.credential;
}
