import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service } from "../../apis/core/service.ts";
import { controllerReference, type ObjectMeta } from "../../apis/meta.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import { visibilityLabel } from "../../apis/networking/labels.ts";
import { appProtocolH2c } from "../../apis/networking/ports.ts";
import { routeLabel, visibilityClusterLocal } from "../../apis/serving/labels.ts";
import type { Route } from "../../apis/serving/route.ts";
import { type DomainSettings, fullDomain, hostnameOf } from "./domains.ts";

/** A tag's name inside the cluster: a Service and, where the load balancer has an address only, its Endpoints. */
export interface Placeholder {
  readonly service: Service;
  readonly endpoints?: Endpoints;
}

const ports = [{ name: "http2", appProtocol: appProtocolH2c, port: 80, targetPort: 80 }];

/**
 * The Service that holds a tag's name until the load balancer is known.
 * Source of this file: serving v0.42.2 pkg/reconciler/route/resources/service.go.
 */
export function makePlaceholder(route: Route, tag: string, settings: DomainSettings): Service {
  const hostname = hostnameOf(route.metadata.name, tag, settings);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: makeMeta(hostname, route),
    spec: {
      type: "ExternalName",
      externalName: fullDomain(route.metadata, hostname, settings),
      sessionAffinity: "None",
      ports,
    },
  };
}

/** The Service that leads to the load balancer which the Ingress names; undefined while it names none that we can use. */
export function makeService(
  route: Route,
  tag: string,
  ingress: Ingress,
  isPrivate: boolean,
  settings: DomainSettings,
): Placeholder | undefined {
  const { privateLoadBalancer, publicLoadBalancer } = ingress.status ?? {};
  const usesPrivate = isPrivate || (privateLoadBalancer?.ingress ?? []).length > 0;
  const places = (usesPrivate ? privateLoadBalancer : publicLoadBalancer)?.ingress ?? [];
  const [place] = places;
  if (!place || places.length > 1) return undefined;

  const metadata = makeMeta(hostnameOf(route.metadata.name, tag, settings), route);
  const make = (spec: Service["spec"]): Service => ({ apiVersion: "v1", kind: "Service", metadata, spec });
  if (place.ip) {
    return {
      service: make({ type: "ClusterIP", clusterIP: "None", ports }),
      endpoints: {
        apiVersion: "v1",
        kind: "Endpoints",
        metadata,
        subsets: [{ addresses: [{ ip: place.ip }], ports: [{ name: "http2", appProtocol: appProtocolH2c, port: 80 }] }],
      },
    };
  }
  if (place.domainInternal) {
    return {
      service: make({ type: "ExternalName", externalName: place.domainInternal, sessionAffinity: "None", ports }),
    };
  }
  if (place.domain) return { service: make({ type: "ExternalName", externalName: place.domain, ports }) };
  if (place.meshOnly) return { service: make({ type: "ClusterIP", ports: [{ name: "http", port: 80 }] }) };
  return undefined;
}

export function isClusterLocalService(service: Service): boolean {
  return service.metadata.labels?.[visibilityLabel] === visibilityClusterLocal;
}

function makeMeta(hostname: string, route: Route): ObjectMeta {
  const { namespace, name, annotations } = route.metadata;
  // Users label a tag's Service by hand to make it more private: the route's own label must not get in the way.
  const { [visibilityLabel]: _, ...labels } = route.metadata.labels ?? {};
  return {
    name: hostname,
    namespace: namespace!,
    ownerReferences: [controllerReference(route)],
    labels: { ...labels, [routeLabel]: name },
    ...(annotations && { annotations: { ...annotations } }),
  };
}
