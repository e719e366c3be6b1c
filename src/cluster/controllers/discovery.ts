import { defineKind, type Kind, type KindInfo } from "../../apis/kind.ts";
import type { Client } from "../../kube/api.ts";

interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

interface GroupList {
  readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly version: string } }[];
}

/** A kind that is known by discovery only: enough to list, watch, change and delete its objects. */
export type DiscoveredKind = Kind & Pick<KindInfo, "namespaced"> & { readonly hasDeleteCollection: boolean };

/** Every kind whose objects can be listed and deleted, each in its preferred version; events of both groups once. */
export async function discoverKinds(client: Client, signal: AbortSignal): Promise<DiscoveredKind[]> {
  const { groups } = (await client.raw("GET", "/apis", undefined, signal)) as GroupList;
  const versions = [
    { group: "", version: "v1", path: "/api/v1" },
    ...groups.map(({ name, preferredVersion: { version } }) => ({
      group: name,
      version,
      path: `/apis/${name}/${version}`,
    })),
  ];
  const lists = await Promise.all(
    versions.map(async ({ group, version, path }) => {
      const { resources } = (await client.raw("GET", path, undefined, signal)) as ResourceList;
      return resources
        .filter(
          ({ name, verbs }) => !name.includes("/") && ["list", "watch", "delete"].every((verb) => verbs.includes(verb)),
        )
        .map(({ name, kind, namespaced, verbs }) => ({
          ...defineKind({ group, version, kind, plural: name, namespaced, description: "", properties: {} }),
          hasDeleteCollection: verbs.includes("deletecollection"),
        }));
    }),
  );
  return lists.flat();
}
