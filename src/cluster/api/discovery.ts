import { rbacGroup } from "../../apis/core/rbac.ts";
import type { Registry } from "./registry.ts";
import { groupVersion, type ServedResource } from "./resource.ts";
import { virtualResources } from "./reviews.ts";
import { noSuchPath } from "./status-errors.ts";

/** What discovery tells of a resource; stored kinds and those that exist only as requests look alike here. */
export type Discoverable = Pick<
  ServedResource,
  | "group"
  | "version"
  | "kind"
  | "plural"
  | "singular"
  | "namespaced"
  | "shortNames"
  | "categories"
  | "verbs"
  | "subresources"
  | "extras"
>;

const aggregatedMedia = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** Answers /api, /apis, /apis/<group> and /apis/<group>/<version>; undefined for other paths. */
export function discover(
  registry: Registry,
  pathname: string,
  accept: string,
): { body: unknown; contentType: string } | undefined {
  const parts = pathname.split("/").filter((part) => part !== "");
  if ((parts[0] !== "api" && parts[0] !== "apis") || parts.length > 3) return undefined;
  const all: readonly Discoverable[] = [...registry.all(), ...virtualResources];
  const plain = (body: unknown) => ({ body, contentType: "application/json" });
  if (parts.length === 1) {
    if (/as=APIGroupDiscoveryList/.test(accept.split(",")[0] ?? "") && /v=v2(;|,|$)/.test(accept)) {
      return { body: aggregated(all, parts[0] === "api"), contentType: aggregatedMedia };
    }
    if (parts[0] === "api") {
      return plain({ kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] });
    }
    return plain({ kind: "APIGroupList", apiVersion: "v1", groups: groupsOf(all).filter(({ name }) => name !== "") });
  }
  if (parts[0] === "api") {
    if (parts.length > 2) return undefined;
    return plain(resourceList(all, "", parts[1]!));
  }
  if (parts.length === 2) {
    const group = groupsOf(all).find(({ name }) => name === parts[1]);
    if (!group) throw noSuchPath();
    return plain({ kind: "APIGroup", apiVersion: "v1", ...group });
  }
  return plain(resourceList(all, parts[1]!, parts[2]!));
}

interface GroupEntry {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
  readonly preferredVersion: { readonly groupVersion: string; readonly version: string };
}

/** Built-in groups come first in the order in which Kubernetes prefers them, others by name. */
const groupOrder = ["", "apps", "autoscaling", "policy", rbacGroup, "apiextensions.k8s.io"];

function groupsOf(all: readonly Discoverable[]): GroupEntry[] {
  const rank = (name: string) => (groupOrder.includes(name) ? groupOrder.indexOf(name) : groupOrder.length);
  return [...Map.groupBy(all, ({ group }) => group)]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([name, resources]) => {
      const versions = [...new Map(resources.map((resource) => [resource.version, resource])).values()]
        .map((resource) => ({ groupVersion: groupVersion(resource), version: resource.version }))
        .sort((a, b) => compareVersions(a.version, b.version));
      return { name, versions, preferredVersion: versions[0]! };
    });
}

/** Stable before beta before alpha, newer before older. Source: k8s.io/apimachinery version.CompareKubeAwareVersionStrings. */
function compareVersions(a: string, b: string): number {
  const parse = (text: string) => /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text);
  const [left, right] = [parse(a), parse(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : 1;
  const rank = (match: RegExpExecArray) => (match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0);
  return rank(right) - rank(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0);
}

function resourceList(all: readonly Discoverable[], group: string, version: string): unknown {
  const resources = all.filter((resource) => resource.group === group && resource.version === version);
  if (resources.length === 0) throw noSuchPath();
  return {
    kind: "APIResourceList",
    ...(group !== "" && { apiVersion: "v1" }),
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: resources.flatMap((resource) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: [...resource.verbs].sort(),
        ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
        ...(resource.categories.length > 0 && { categories: resource.categories }),
      },
      ...subresourcesOf(resource).map(({ name, kind, group: g, version: v, verbs }) => ({
        name: `${resource.plural}/${name}`,
        singularName: "",
        namespaced: resource.namespaced,
        ...(g !== undefined && { group: g, version: v }),
        kind,
        verbs,
      })),
    ]),
  };
}

function subresourcesOf(resource: Discoverable) {
  const { status, scale } = resource.subresources;
  return [
    ...resource.extras,
    ...(scale
      ? [{ name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: ["get", "patch", "update"] }]
      : []),
    ...(status
      ? [
          {
            name: "status",
            kind: resource.kind,
            group: undefined,
            version: undefined,
            verbs: ["get", "patch", "update"],
          },
        ]
      : []),
  ];
}

function aggregated(all: readonly Discoverable[], core: boolean): unknown {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groupsOf(all)
      .filter(({ name }) => (name === "") === core)
      .map(({ name, versions }) => ({
        metadata: { ...(name !== "" && { name }), creationTimestamp: null },
        versions: versions.map(({ version }) => ({
          version,
          freshness: "Current",
          resources: all
            .filter((resource) => resource.group === name && resource.version === version)
            .map((resource) => ({
              resource: resource.plural,
              responseKind: { group: name, version, kind: resource.kind },
              scope: resource.namespaced ? "Namespaced" : "Cluster",
              singularResource: resource.singular,
              verbs: [...resource.verbs].sort(),
              ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
              ...(resource.categories.length > 0 && { categories: resource.categories }),
              subresources: subresourcesOf(resource).map((sub) => ({
                subresource: sub.name,
                responseKind: { group: sub.group ?? name, version: sub.version ?? version, kind: sub.kind },
                verbs: sub.verbs,
              })),
            })),
        })),
      })),
  };
}
