import { createHash } from "node:crypto";
import type { Schema } from "../../apis/schema.ts";
import { kubernetesVersion } from "../kubernetes-release.ts";
import type { Registry } from "./registry.ts";
import type { ServedResource } from "./resource.ts";

/** OpenAPI v3 documents, one per group and version: what `kubectl explain` and client-side checks read. */
export interface OpenApi {
  /** The answer of /openapi/v3, or of the document at a path below it; undefined for others. */
  at(pathname: string): object | undefined;
}

/** Makes the documents of everything that is served, when they are first asked for after a change. */
export function createOpenApi(registry: Registry): OpenApi {
  let generation = 0;
  let documents = new Map<string, { document?: object; readonly make: () => object; readonly hash: string }>();
  const refresh = () => {
    if (generation === registry.generation) return;
    generation = registry.generation;
    documents = new Map();
    for (const [path, resources] of Map.groupBy(registry.all(), pathOf)) {
      const schemas = JSON.stringify(resources.map(({ schema, plural, verbs }) => [plural, verbs, schema]));
      const hash = createHash("sha256").update(schemas).digest("hex").slice(0, 32).toUpperCase();
      documents.set(path, { make: () => makeDocument(path, resources), hash });
    }
  };
  return {
    at(pathname) {
      refresh();
      const path = pathname.replace(/^\/openapi\/v3\/?/, "");
      if (path === "") {
        const entries = [...documents].map(([name, { hash }]) => [
          name,
          { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` },
        ]);
        return { paths: Object.fromEntries(entries) as object };
      }
      const entry = documents.get(path);
      if (entry) entry.document ??= entry.make();
      return entry?.document;
    },
  };
}

export const openApiV2Media = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/**
 * The OpenAPI v2 document. It describes no kinds: they are described in v3 alone. Clients ask for it when v3 does not
 * know a kind either, and then tell their user just that.
 */
export const openApiV2 = {
  swagger: "2.0",
  info: { title: "Kubernetes", version: kubernetesVersion },
  paths: {},
} as const;

/** The same in protobuf (gnostic's openapi.v2.Document), which is all that Go clients read. */
export function encodeOpenApiV2(): Buffer {
  const field = (number: number, content: string | Buffer) => {
    const bytes = Buffer.from(content as string);
    return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  };
  const { swagger, info } = openApiV2;
  return Buffer.concat([
    field(1, swagger),
    field(2, Buffer.concat([field(1, info.title), field(2, info.version)])),
    field(8, ""),
  ]);
}

function pathOf(resource: ServedResource): string {
  return resource.group === "" ? `api/${resource.version}` : `apis/${resource.group}/${resource.version}`;
}

/** The name of a kind in a document, as the real server's: the group's domain reversed. */
function schemaNameOf({ group, version, kind, custom }: ServedResource): string {
  const labels = group.split(".");
  if (custom) return `${labels.reverse().join(".")}.${version}.${kind}`;
  const packages = group === "apiextensions.k8s.io" ? "io.k8s.apiextensions-apiserver.pkg.apis" : "io.k8s.api";
  return `${packages}.${labels[0] || "core"}.${version}.${kind}`;
}

const objectMetaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

function makeDocument(path: string, resources: readonly ServedResource[]): object {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, unknown> = {};
  for (const resource of resources) {
    const { group, version, kind, plural, namespaced, schema } = resource;
    const name = schemaNameOf(resource);
    const kinds = [{ group, version, kind }];
    const { metadata, ...properties } = schema.properties ?? {};
    if (metadata) schemas[objectMetaName] ??= publish(metadata);
    const own = publish({ ...schema, properties });
    const reference = {
      allOf: [{ $ref: `#/components/schemas/${objectMetaName}` }],
      default: {},
      description: "Standard object metadata.",
    };
    own["properties"] = { ...(own["properties"] as object), metadata: reference };
    schemas[name] = { ...own, "x-kubernetes-group-version-kind": kinds };
    schemas[`${name}List`] = {
      type: "object",
      description: `${kind}List is a list of ${kind}`,
      required: ["items"],
      properties: {
        apiVersion: { type: "string" },
        kind: { type: "string" },
        metadata: { type: "object" },
        items: { type: "array", items: { $ref: `#/components/schemas/${name}` } },
      },
      "x-kubernetes-group-version-kind": [{ group, version, kind: `${kind}List` }],
    };
    const scope = namespaced ? "/namespaces/{namespace}" : "";
    paths[`/${path}${scope}/${plural}`] = operations(resource, name, {
      get: "list",
      post: "post",
      delete: "deletecollection",
    });
    paths[`/${path}${scope}/${plural}/{name}`] = operations(resource, name, {
      get: "get",
      put: "put",
      patch: "patch",
      delete: "delete",
    });
  }
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: kubernetesVersion },
    paths,
    components: { schemas },
  };
}

const patchMedia = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

const query = (name: string, type = "string") => ({ name, in: "query", schema: { type, uniqueItems: true } });
const writeParameters = [query("dryRun"), query("fieldManager"), query("fieldValidation")];
const parameters: Readonly<Record<string, readonly object[]>> = {
  post: writeParameters,
  put: writeParameters,
  patch: [...writeParameters, query("force", "boolean")],
  delete: [
    query("dryRun"),
    query("gracePeriodSeconds", "integer"),
    query("orphanDependents", "boolean"),
    query("propagationPolicy"),
  ],
};

/** The operations of a path; clients read from them which parameters and patches the server takes. */
function operations(resource: ServedResource, name: string, actions: Readonly<Record<string, string>>): object {
  const { group, version, kind, custom, verbs } = resource;
  const served = Object.entries(actions).filter(
    ([, action]) => action !== "deletecollection" || verbs.includes(action),
  );
  const content = { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
  const made = served.map(([method, action]) => {
    const medias = patchMedia.filter((media) => !custom || !media.includes("strategic"));
    const body =
      method === "patch" ? Object.fromEntries(medias.map((media) => [media, { schema: { type: "object" } }])) : content;
    return [
      method,
      {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": { group, version, kind },
        ...(parameters[method] && { parameters: parameters[method] }),
        ...(["post", "put", "patch"].includes(method) && { requestBody: { content: body } }),
        responses: { "200": { description: "OK", content } },
      },
    ];
  });
  return Object.fromEntries(made) as object;
}

const ownMarks = new Set(["x-words", "x-present", "x-published"]);

/** A schema as the real server publishes it: without marks of ours. */
function publish(schema: Schema): Record<string, unknown> {
  const published: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (ownMarks.has(key)) continue;
    published[key] = value;
  }
  if (schema["x-kubernetes-int-or-string"] && !schema.anyOf)
    published["oneOf"] = [{ type: "integer" }, { type: "string" }];
  if (schema.properties) {
    published["properties"] = Object.fromEntries(
      Object.entries(schema.properties).map(([name, field]) => [name, publish(field)]),
    );
  }
  if (schema.items) published["items"] = publish(schema.items);
  if (schema.additionalProperties)
    published["additionalProperties"] =
      typeof schema.additionalProperties === "object"
        ? publish(schema.additionalProperties)
        : schema.additionalProperties;
  return published;
}
