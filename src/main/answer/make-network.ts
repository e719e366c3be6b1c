import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Ingress, IngressTLS } from "../../apis/networking/ingress.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { DomainMapping } from "../../apis/serving/domainmapping.ts";
import { Route } from "../../apis/serving/route.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { makeIngress as makeMappingIngress, pathByName } from "../../reconcilers/domainmapping/ingress.ts";
import { makeDomainCertificate, makeDomainClaim } from "../../reconcilers/domainmapping/reconcile.ts";
import type { Challenge } from "../../reconcilers/networking/certificate.ts";
import { certificateClassOf, httpOptionOf, ingressClassOf } from "../../reconcilers/networking/settings.ts";
import { makeCertificates } from "../../reconcilers/route/certificates.ts";
import { makeIngress } from "../../reconcilers/route/ingress.ts";
import { makePlaceholder, makeService } from "../../reconcilers/route/placeholder-service.ts";
import type { Rollout } from "../../reconcilers/route/rollout.ts";
import { baseRollout } from "../../reconcilers/route/traffic.ts";
import {
  makePrivateService,
  makePublicEndpoints,
  makePublicService,
} from "../../reconcilers/serverlessservice/services.ts";
import { withoutType } from "./reconcile.ts";
import { messageOfProblem, type RouteInputs, trafficOf } from "./traffic.ts";
import { typed } from "./typed.ts";

interface Request extends RouteInputs {
  readonly tag?: string;
  readonly ingress?: Ingress;
  readonly isPrivate?: boolean;
  readonly rollout?: Rollout;
  readonly tls?: readonly IngressTLS[];
  readonly acmeChallenges?: readonly Challenge[];
  readonly ingressClass?: string;
  readonly certClass?: string;
  readonly domainTagMap?: Readonly<Record<string, string>>;
  readonly domain?: string;
  readonly serverlessservice?: ServerlessService;
  readonly selector?: Readonly<Record<string, string>>;
  readonly endpoints?: Endpoints;
  readonly domainmapping?: DomainMapping;
  readonly backendServiceName?: string;
  readonly hostName?: string;
}

/** Op `make` for what carries requests. Undefined where an input is missing. */
export const networkMakers: Readonly<Record<string, (request: Request, config: ServingConfig) => unknown>> = {
  "placeholder-service": ({ route, tag = "" }, config) => route && makePlaceholder(typed(Route, route), tag, config),
  "k8s-service": ({ route, tag = "", ingress, isPrivate = false }, config) => {
    if (!route || !ingress) return undefined;
    const made = makeService(typed(Route, route), tag, ingress, isPrivate, config);
    if (!made) throw new Error(noLoadBalancer(ingress, isPrivate));
    return {
      service: withoutType(made.service),
      endpoints: made.endpoints ? withoutType(made.endpoints) : null,
      tag: "",
    };
  },
  ingress: (request, config) => {
    if (!request.route) return undefined;
    const route = typed(Route, request.route);
    const { traffic, visibility } = trafficOf(request, config);
    if (traffic.problem) throw new Error(messageOfProblem(traffic.problem));
    return makeIngress(
      route,
      {
        targets: traffic.targets,
        visibility,
        rollout: request.rollout ?? baseRollout(traffic),
        tls: request.tls ?? [],
        challenges: request.acmeChallenges ?? [],
        ...(request.ingressClass && { ingressClass: request.ingressClass }),
      },
      config,
    );
  },
  certificates: ({ route, domainTagMap = {}, domain = "", certClass }, config) => {
    if (!route) return undefined;
    const wantedClass = certClass || certificateClassOf(route, config.network);
    const made = makeCertificates(typed(Route, route), new Map(Object.entries(domainTagMap)), wantedClass, domain);
    return made.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).map(withoutType);
  },
  "sks-public-service": ({ serverlessservice: sks }) => sks && makePublicService(typed(ServerlessService, sks)),
  "sks-private-service": ({ serverlessservice: sks, selector = {} }) =>
    sks && makePrivateService(typed(ServerlessService, sks), selector),
  "sks-public-endpoints": ({ serverlessservice: sks, endpoints }) =>
    sks && endpoints && makePublicEndpoints(typed(ServerlessService, sks), endpoints),
  "domainmapping-ingress": (request, { network }) => {
    if (!request.domainmapping) return undefined;
    const mapping = typed(DomainMapping, request.domainmapping);
    return makeMappingIngress(mapping, {
      // Upstream's op looks at the route of the request only.
      ingressClass:
        request.ingressClass || (request.route ? ingressClassOf(request.route, network) : network.defaultIngressClass),
      httpOption: httpOptionOf(mapping, network),
      paths: [pathByName(mapping, request.backendServiceName ?? "", request.hostName ?? "")],
      tls: request.tls ?? [],
      challenges: request.acmeChallenges ?? [],
    });
  },
  "domainmapping-certificate": ({ domainmapping, route, certClass }, { network }) =>
    domainmapping &&
    makeDomainCertificate(
      typed(DomainMapping, domainmapping),
      certClass || (route ? certificateClassOf(route, network) : network.defaultCertificateClass),
    ),
  "domainmapping-claim": ({ domainmapping }) => domainmapping && makeDomainClaim(domainmapping),
};

function noLoadBalancer({ metadata, status }: Ingress, isPrivate: boolean): string {
  const inside = status?.privateLoadBalancer?.ingress ?? [];
  const places = isPrivate || inside.length > 0 ? inside : (status?.publicLoadBalancer?.ingress ?? []);
  return places.length > 1
    ? `more than one ingress are specified in status(LoadBalancer) of Ingress ${metadata.name}`
    : "failed to fetch loadbalancer domain/IP from ingress status";
}
