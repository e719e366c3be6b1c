import { controllerReference } from "../../apis/meta.ts";
import {
  defaultRouteHeader,
  revisionHeader,
  revisionNamespaceHeader,
  routeTagHeader,
} from "../../apis/networking/headers.ts";
import { sortBytes } from "../../apis/networking/hosts.ts";
import type {
  Ingress,
  IngressBackendSplit,
  IngressPath,
  IngressRule,
  IngressTLS,
} from "../../apis/networking/ingress.ts";
import { ingressClassAnnotations, rolloutAnnotation } from "../../apis/networking/labels.ts";
import { serviceHttpsPort, servicePort } from "../../apis/networking/ports.ts";
import { routeLabel, routeNamespaceLabel } from "../../apis/serving/labels.ts";
import type { Route } from "../../apis/serving/route.ts";
import { isSystemInternalTLSEnabled } from "../../config/network.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { childName } from "../../lib/child-name.ts";
import { type Challenge, makeChallengePaths } from "../networking/certificate.ts";
import { httpOptionOf, ingressClassOf, makeAnnotations } from "../networking/settings.ts";
import { hostsOf, type Visibility } from "./domains.ts";
import { type ConfigurationRollout, formatRollout, type Rollout, rolloutsOfTag } from "./rollout.ts";
import { defaultTag, type RevisionTarget } from "./traffic.ts";

type Settings = Pick<ServingConfig, "domain" | "network" | "features">;

/** What a route's Ingress is made from, beside the route. */
export interface IngressPlan {
  readonly targets: ReadonlyMap<string, readonly RevisionTarget[]>;
  readonly visibility: ReadonlyMap<string, Visibility>;
  readonly rollout: Rollout;
  readonly tls: readonly IngressTLS[];
  readonly challenges: readonly Challenge[];
  /** The route's own, or the configured one, unless told. */
  readonly ingressClass?: string;
}

export function ingressName(route: Route): string {
  return childName(route.metadata.name, "");
}

/**
 * The Ingress that realises a route's traffic: for every tag a rule inside the cluster, and one for the outside where
 * the tag is public. Throws where a host or the http-protocol annotation makes no sense.
 * Source: serving v0.42.2 pkg/reconciler/route/resources/ingress.go.
 */
export function makeIngress(route: Route, plan: IngressPlan, settings: Settings): Ingress {
  const { name, namespace, labels } = route.metadata;
  const httpOption = httpOptionOf(route, settings.network);
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Ingress",
    metadata: {
      name: ingressName(route),
      namespace: namespace!,
      labels: { ...labels, [routeLabel]: name, [routeNamespaceLabel]: namespace! },
      annotations: makeAnnotations(route, {
        [ingressClassAnnotations[0]]: plan.ingressClass ?? ingressClassOf(route, settings.network),
        [rolloutAnnotation]: formatRollout(plan.rollout),
      }),
      ownerReferences: [controllerReference(route)],
    },
    spec: {
      rules: makeRules(route, plan, settings),
      ...(plan.tls.length > 0 && { tls: [...plan.tls] }),
      ...(httpOption && { httpOption }),
    },
  };
}

function makeRules(route: Route, plan: IngressPlan, settings: Settings): IngressRule[] {
  const tags = sortBytes(plan.targets.keys());
  return tags.flatMap((tag) => {
    const isPublic = (plan.visibility.get(tag) ?? "ExternalIP") === "ExternalIP";
    const visibilities: Visibility[] = isPublic ? ["ClusterLocal", "ExternalIP"] : ["ClusterLocal"];
    return visibilities.map((visibility) => makeRule(route, plan, settings, tag, visibility, tags));
  });
}

function makeRule(
  route: Route,
  plan: IngressPlan,
  settings: Settings,
  tag: string,
  visibility: Visibility,
  tags: readonly string[],
): IngressRule {
  const hosts = hostsOf(route, tag, visibility, settings);
  const paths =
    settings.features.tagHeaderBasedRouting === "Enabled"
      ? pathsByTagHeader(route, plan, settings, tag, tags)
      : [makePath(route, plan, settings, tag)];
  if (visibility === "ClusterLocal") return { hosts, visibility, http: { paths } };
  const challenge = makeChallengePaths(plan.challenges, hosts);
  return { hosts: [...challenge.extraHosts, ...hosts], visibility, http: { paths: [...challenge.paths, ...paths] } };
}

/** The main URL leads wherever the request's tag header says; a tag's URL tells its tag to those behind it. */
function pathsByTagHeader(
  route: Route,
  plan: IngressPlan,
  settings: Settings,
  tag: string,
  tags: readonly string[],
): IngressPath[] {
  const path = makePath(route, plan, settings, tag);
  if (tag !== defaultTag) return [{ ...path, appendHeaders: { [routeTagHeader]: tag } }];
  const tagged = tags.filter((other) => other !== defaultTag);
  return [
    ...tagged.map((other) => ({
      headers: { [routeTagHeader]: { exact: other } },
      ...makePath(route, plan, settings, other),
    })),
    { ...path, appendHeaders: { [defaultRouteHeader]: "true" } },
  ];
}

function makePath(route: Route, plan: IngressPlan, { network }: Settings, tag: string): IngressPath {
  const rollouts = rolloutsOfTag(plan.rollout, tag);
  const splits = (plan.targets.get(tag) ?? [])
    .filter(({ percent }) => percent !== 0)
    .flatMap((target) => makeSplits(route.metadata.namespace!, target, rollouts, isSystemInternalTLSEnabled(network)));
  return { splits };
}

function makeSplits(
  namespace: string,
  target: RevisionTarget,
  rollouts: readonly ConfigurationRollout[],
  isEncrypted: boolean,
): IngressBackendSplit[] {
  const rolling = target.latestRevision
    ? rollouts.find(({ configurationName }) => configurationName === target.configurationName)
    : undefined;
  const shares = rolling?.revisions && rolling.revisions.length > 1 ? rolling.revisions : [target];
  return shares.map(({ revisionName, percent }) => ({
    serviceNamespace: namespace,
    serviceName: revisionName,
    servicePort: isEncrypted ? serviceHttpsPort : servicePort(target.protocol),
    percent,
    appendHeaders: { [revisionHeader]: revisionName, [revisionNamespaceHeader]: namespace },
  }));
}
