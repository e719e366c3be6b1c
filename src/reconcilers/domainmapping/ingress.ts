import { controllerReference } from "../../apis/meta.ts";
import { originalHostHeader } from "../../apis/networking/headers.ts";
import type { Ingress, IngressPath, IngressTLS } from "../../apis/networking/ingress.ts";
import { ingressClassAnnotations } from "../../apis/networking/labels.ts";
import type { DomainMapping } from "../../apis/serving/domainmapping.ts";
import { domainMappingNamespaceLabel, domainMappingUidLabel } from "../../apis/serving/labels.ts";
import { childName } from "../../lib/child-name.ts";
import { type Challenge, makeChallengePaths } from "../networking/certificate.ts";
import { makeAnnotations } from "../networking/settings.ts";

/** What a domain mapping's Ingress is made from, beside the mapping. */
export interface IngressPlan {
  readonly ingressClass: string;
  readonly httpOption: "Enabled" | "Redirected" | undefined;
  /** Where the requests go; the name of the mapping goes with them. */
  readonly paths: readonly IngressPath[];
  readonly tls: readonly IngressTLS[];
  readonly challenges: readonly Challenge[];
}

export function ingressName(mapping: DomainMapping): string {
  return childName(mapping.metadata.name, "");
}

/** The Ingress that leads a domain to its target. Source: serving v0.42.2 pkg/reconciler/domainmapping/resources/ingress.go. */
export function makeIngress(mapping: DomainMapping, plan: IngressPlan): Ingress {
  const { name, namespace, uid = "", labels } = mapping.metadata;
  // Challenges come first: the target's path would catch them.
  const { paths, extraHosts } = makeChallengePaths(plan.challenges, [name]);
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Ingress",
    metadata: {
      name: ingressName(mapping),
      namespace: namespace!,
      annotations: makeAnnotations(mapping, { [ingressClassAnnotations[0]]: plan.ingressClass }),
      labels: { ...labels, [domainMappingUidLabel]: uid, [domainMappingNamespaceLabel]: namespace! },
      ownerReferences: [controllerReference(mapping)],
    },
    spec: {
      ...(plan.httpOption && { httpOption: plan.httpOption }),
      ...(plan.tls.length > 0 && { tls: [...plan.tls] }),
      rules: [{ hosts: [...extraHosts, name], visibility: "ExternalIP", http: { paths: [...paths, ...plan.paths] } }],
    },
  };
}

/** The way over the target's own name: through the gateway once more, under the name that the target is known by. */
export function pathByName(mapping: DomainMapping, service: string, host: string): IngressPath {
  const { name, namespace } = mapping.metadata;
  return {
    rewriteHost: host,
    splits: [
      {
        percent: 100,
        appendHeaders: { [originalHostHeader]: name },
        serviceNamespace: namespace!,
        serviceName: service,
        servicePort: 80,
      },
    ],
  };
}

/**
 * The way straight to the revisions: that of the route's own Ingress, so that requests pass the gateway only once and
 * keep their host and the address of their client. Undefined while the route has no such Ingress.
 */
export function pathsOfRoute(route: Ingress | undefined, host: string): readonly IngressPath[] | undefined {
  return route?.spec.rules?.find(({ hosts }) => hosts?.includes(host))?.http.paths;
}
