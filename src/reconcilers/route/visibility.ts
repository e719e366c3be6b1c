import type { Service } from "../../apis/core/service.ts";
import { visibilityLabel } from "../../apis/networking/labels.ts";
import { routeLabel } from "../../apis/serving/labels.ts";
import type { Route } from "../../apis/serving/route.ts";
import { defaultDomain, lookupDomain } from "../../config/domain.ts";
import type { Lister } from "../../kube/api.ts";
import { type DomainSettings, hostnameOf, type Visibility } from "./domains.ts";
import { defaultTag } from "./traffic.ts";

/**
 * From where each tag can be reached: the route's domain decides, and the visibility label on a tag's placeholder
 * Service can only make it more private. Source: serving v0.42.2 pkg/reconciler/route/visibility.
 */
export function resolveVisibility(
  route: Route,
  services: Pick<Lister<Service>, "list">,
  settings: DomainSettings,
): ReadonlyMap<string, Visibility> {
  const { namespace, name, labels = {} } = route.metadata;
  const isLocal = lookupDomain(settings.domain, labels) === defaultDomain;
  const placeholders = services.list({ namespace: namespace!, labels: { [routeLabel]: name } });
  const tags = new Set([defaultTag, ...(route.spec.traffic ?? []).map(({ tag }) => tag ?? defaultTag)]);
  return new Map(
    [...tags].map((tag): [string, Visibility] => {
      const hostname = hostnameOf(name, tag, settings);
      const placeholder = placeholders.find(({ metadata }) => metadata.name === hostname);
      const isTagLocal = Boolean(placeholder?.metadata.labels?.[visibilityLabel]);
      return [tag, isLocal || isTagLocal ? "ClusterLocal" : "ExternalIP"];
    }),
  );
}
