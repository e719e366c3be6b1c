import type { Secret } from "../apis/core/secret.ts";
import type { Service } from "../apis/core/service.ts";
import type { Gateway, GatewayServer } from "../apis/istio/gateway.ts";
import { controllerReference } from "../apis/meta.ts";
import { sortBytes } from "../apis/networking/hosts.ts";
import type { Ingress, IngressTLS } from "../apis/networking/ingress.ts";
import { ingressLabel } from "../apis/networking/labels.ts";
import { adler32 } from "../lib/adler32.ts";
import type { Visibility } from "./gateways.ts";
import { copyName, hostsOfSecret, wildcardCopyName } from "./secret.ts";

const httpPort = 80;
const httpsPorts: Readonly<Record<Visibility, number>> = { ExternalIP: 443, ClusterLocal: 8444 };

const dnsLabel = /^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;

/** A Gateway of an Ingress's own, at one gateway Service. Source of this file: net-istio v0.42.1 pkg/reconciler/ingress/resources. */
export function makeGateway(
  ingress: Ingress,
  visibility: Visibility,
  service: Service,
  servers: readonly GatewayServer[],
): Gateway {
  const { name, namespace } = ingress.metadata;
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Gateway",
    metadata: {
      name: gatewayName(ingress, visibility, service),
      namespace: namespace!,
      ownerReferences: [controllerReference(ingress)],
      labels: { [ingressLabel]: name },
    },
    spec: { selector: { ...service.spec.selector }, servers: [...servers] },
  };
}

/** The TLS servers for an Ingress's certificates. `origins` are their Secrets, by "namespace/name". */
export function makeTlsServers(
  ingress: Ingress,
  visibility: Visibility,
  tls: readonly IngressTLS[],
  service: Service,
  origins: ReadonlyMap<string, Secret>,
): GatewayServer[] {
  const { name, namespace } = ingress.metadata;
  const prefix = `${namespace}/${dnsLabel.test(name) ? name : adler32(name)}`;
  const servers = tls.map((entry, at): GatewayServer => {
    const origin = origins.get(secretKeyOf(entry))!;
    const isHere = origin.metadata.namespace === service.metadata.namespace;
    return {
      hosts: entry.hosts ?? [],
      port: { name: `${prefix}:${at}`, number: httpsPorts[visibility], protocol: "HTTPS" },
      tls: { mode: "SIMPLE", credentialName: isHere ? origin.metadata.name : copyName(origin, ingress) },
    };
  });
  return servers.sort((a, b) => (a.port.name < b.port.name ? -1 : 1));
}

/** The Gateway for a wildcard certificate, which all Ingresses under that domain share. */
export function makeWildcardGateway(secret: Secret, service: Service): Gateway {
  const isHere = secret.metadata.namespace === service.metadata.namespace;
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Gateway",
    metadata: {
      name: wildcardGatewayName(secret, service),
      namespace: secret.metadata.namespace!,
      ownerReferences: [controllerReference({ ...secret, apiVersion: "v1", kind: "Secret" })],
    },
    spec: {
      selector: { ...service.spec.selector },
      servers: [
        {
          hosts: hostsOfSecret(secret),
          port: { name: "https", number: httpsPorts.ExternalIP, protocol: "HTTPS" },
          tls: { mode: "SIMPLE", credentialName: isHere ? secret.metadata.name : wildcardCopyName(secret) },
        },
      ],
    },
  };
}

/** The plain HTTP server of an Ingress's own Gateway; undefined where plain HTTP is switched off. */
export function makeHttpServer(httpOption: string | undefined, hosts: readonly string[]): GatewayServer | undefined {
  if (!httpOption) return undefined;
  return {
    hosts: sortBytes(hosts),
    port: { name: "http-server", number: httpPort, protocol: "HTTP" },
    ...(httpOption === "Redirected" && { tls: { httpsRedirect: true } }),
  };
}

/** "namespace/name" of the Secret that a TLS entry names. */
export function secretKeyOf({ secretNamespace, secretName }: IngressTLS): string {
  return `${secretNamespace}/${secretName}`;
}

/** "namespace/name": how VirtualServices name a Gateway. */
export function qualifiedName({ metadata }: Gateway): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function gatewayName(ingress: Ingress, visibility: Visibility, service: Service): string {
  const { name } = ingress.metadata;
  const isLocal = visibility === "ClusterLocal";
  const sum = adler32(`${service.metadata.namespace}/${service.metadata.name}${isLocal ? "-local" : ""}`);
  const prefix = dnsLabel.test(name) ? name : String(adler32(name));
  return `${prefix.slice(0, 62 - String(sum).length)}-${sum}`;
}

function wildcardGatewayName(secret: Secret, service: Service): string {
  const sum = adler32(`${secret.metadata.name}-${service.metadata.namespace}-${service.metadata.name}`);
  return `wildcard-${sum.toString(16)}`;
}
