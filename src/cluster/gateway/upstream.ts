import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service } from "../../apis/core/service.ts";
import type { Lister } from "../../kube/api.ts";
import { clusterDomain } from "../../lib/cluster-domain.ts";
import type { Locate, SocketAddress } from "../../lib/locate.ts";

/** The pods behind a destination, as they are now. */
export interface Upstream {
  readonly protocol: "http1" | "h2c";
  readonly endpoints: readonly SocketAddress[];
}

export interface UpstreamSources {
  readonly services: Pick<Lister<Service>, "get">;
  readonly endpoints: Pick<Lister<Endpoints>, "get">;
  /** Where a pod's address really is. */
  readonly locate: Locate;
}

const mostHops = 4;

/**
 * Finds the pods of a Service by its DNS name and port; a Service that is only another name is followed. Undefined
 * where there is no such Service. The protocol is what the port's appProtocol or name says, as Istio takes it.
 */
export function findUpstream(host: string, port: number | undefined, sources: UpstreamSources): Upstream | undefined {
  let name = host;
  for (let hop = 0; hop < mostHops; hop++) {
    const ref = refOf(name);
    const service = ref && sources.services.get(ref);
    if (!service) return undefined;
    if (service.spec.type === "ExternalName") {
      name = service.spec.externalName ?? "";
      continue;
    }
    const ports = service.spec.ports ?? [];
    const open =
      port === undefined && ports.length === 1 ? ports[0] : ports.find((candidate) => candidate.port === port);
    if (!open) return undefined;
    const isH2c = open.appProtocol === "kubernetes.io/h2c" || /^(http2|grpc|h2c)(-|$)/.test(open.name ?? "");
    return {
      protocol: isH2c ? "h2c" : "http1",
      endpoints: readyEndpoints(sources.endpoints.get(ref), open.name ?? "").map(sources.locate),
    };
  }
  return undefined;
}

function readyEndpoints(endpoints: Endpoints | undefined, portName: string): SocketAddress[] {
  return (endpoints?.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
    const port = ports.find(({ name = "" }) => name === portName);
    return port ? addresses.map(({ ip }) => ({ host: ip, port: port.port })) : [];
  });
}

function refOf(host: string): { name: string; namespace: string } | undefined {
  const short = host.endsWith(`.svc.${clusterDomain}`) ? host.slice(0, -`.svc.${clusterDomain}`.length) : host;
  const [name, namespace, ...rest] = short.replace(/\.svc$/, "").split(".");
  return name && namespace && rest.length === 0 ? { name, namespace } : undefined;
}
