import { apiVersionOf, type KindInfo } from "../../apis/kind.ts";
import { coreKinds } from "../../apis/kinds.ts";
import { behaviours } from "./behaviours/index.ts";
import { fit, type Misfits } from "./decode.ts";
import { objectSchemaOf } from "./object-schema.ts";
import { allVerbs, type ExtraSubresource, type Item, resourceKey, type ServedResource } from "./resource.ts";
import { builtInColumns, defaultColumns } from "./tables/columns.ts";
import type { Fields } from "./typed-values.ts";

const extras: Readonly<Record<string, readonly ExtraSubresource[]>> = {
  pods: [
    { name: "attach", kind: "PodAttachOptions", verbs: ["create", "get"] },
    { name: "binding", kind: "Binding", verbs: ["create"] },
    { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
    { name: "exec", kind: "PodExecOptions", verbs: ["create", "get"] },
    { name: "log", kind: "Pod", verbs: ["get"] },
    { name: "portforward", kind: "PodPortForwardOptions", verbs: ["create", "get"] },
  ],
  serviceaccounts: [
    { name: "token", kind: "TokenRequest", group: "authentication.k8s.io", version: "v1", verbs: ["create"] },
  ],
  namespaces: [{ name: "finalize", kind: "Namespace", verbs: ["update"] }],
};

const withoutDeleteCollection = new Set(["services", "namespaces"]);

/** The kinds that every cluster has, as this server offers them. */
export function makeBuiltIns(): ServedResource[] {
  return coreKinds.map(serve);
}

function serve(kind: KindInfo): ServedResource {
  const key = resourceKey(kind.group, kind.plural);
  const schema = objectSchemaOf(kind);
  return {
    group: kind.group,
    version: kind.version,
    kind: kind.kind,
    plural: kind.plural,
    singular: kind.singular,
    namespaced: kind.namespaced,
    shortNames: kind.shortNames,
    categories: kind.categories,
    key,
    storageVersion: kind.version,
    schema,
    custom: false,
    subresources: kind.subresources,
    extras: extras[key] ?? [],
    verbs: allVerbs.filter((verb) => verb !== "deletecollection" || !withoutDeleteCollection.has(key)),
    columns: builtInColumns[key] ?? defaultColumns,
    behaviour: behaviours[key] ?? {},
    decode(value: Fields, misfits: Misfits): Item {
      const item = fit(value, schema, misfits) as Item;
      item.apiVersion ??= apiVersionOf(kind);
      item.kind ??= kind.kind;
      if (schema.properties?.["spec"] && !misfits.keepsEmpty) item.spec ??= {};
      return item;
    },
  };
}
