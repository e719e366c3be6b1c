import { defineKind, type ObjectOf } from "../kind.ts";
import {
  anyObject,
  atomicList,
  bool,
  bytes,
  int32,
  list,
  mergedBy,
  object,
  string,
  strings,
  time,
  words,
} from "../schema.ts";

const namesSchema = object(
  "What the kind is called.",
  {
    plural: string("The name in URLs."),
    singular: string("The name for one; the kind in small letters unless told."),
    shortNames: strings("Short names for people.", atomicList),
    kind: string("The kind."),
    listKind: string("The kind of lists; the kind with List unless told."),
    categories: strings("Groups of kinds, such as all.", atomicList),
  },
  { required: ["plural", "kind"] },
);

const versionSchema = object(
  "A version of the kind.",
  {
    name: string("The version's name, such as v1."),
    served: bool("Whether the API server offers it."),
    storage: bool("Whether objects are stored in this version; exactly one is."),
    deprecated: bool("Whether clients are warned."),
    deprecationWarning: string("What clients are told."),
    schema: object("The schema.", { openAPIV3Schema: anyObject("The schema, as a structural OpenAPI v3 schema.") }),
    subresources: object("The subresources.", {
      status: anyObject("Where present, status is written through a subresource of its own."),
      scale: object(
        "Where the number of replicas is.",
        {
          specReplicasPath: string("The path of the wished number."),
          statusReplicasPath: string("The path of the present number."),
          labelSelectorPath: string("The path of the selector."),
        },
        { required: ["specReplicasPath", "statusReplicasPath"] },
      ),
    }),
    additionalPrinterColumns: list(
      "Columns of kubectl get.",
      object(
        "One column.",
        {
          name: string("The heading."),
          type: string("The type of the values."),
          format: string("The format of the values."),
          description: string("What the values mean."),
          priority: int32("0 is always shown; more only in wide output."),
          jsonPath: string("Where the value is."),
        },
        { required: ["name", "type", "jsonPath"] },
      ),
      atomicList,
    ),
    selectableFields: list(
      "Fields for field selectors.",
      object("One field.", { jsonPath: string("Where it is.") }, { required: ["jsonPath"] }),
      atomicList,
    ),
  },
  { required: ["name", "served", "storage"] },
);

/** Adds a kind to the API. */
export const CustomResourceDefinition = defineKind({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  description: "Adds a kind to the API.",
  subresources: { status: true },
  properties: {
    spec: object(
      "What the kind is.",
      {
        group: string("The kind's group."),
        names: namesSchema,
        scope: words("Whether its objects live in namespaces.", ["Namespaced", "Cluster"]),
        versions: list("Its versions.", versionSchema, atomicList),
        conversion: object(
          "How versions are converted.",
          {
            strategy: string("None (unless told) or Webhook."),
            webhook: object(
              "Who converts.",
              {
                clientConfig: object("How it is called.", {
                  url: string("Its URL; or service."),
                  service: anyObject("The Service in front of it."),
                  caBundle: bytes("The authority that signed its certificate, PEM."),
                }),
                conversionReviewVersions: strings("The versions of ConversionReview that it understands.", atomicList),
              },
              { required: ["conversionReviewVersions"] },
            ),
          },
          { required: ["strategy"] },
        ),
        preserveUnknownFields: bool("No longer allowed to be true."),
      },
      { required: ["group", "names", "scope", "versions"] },
    ),
    status: object("What is known of it.", {
      conditions: list(
        "Aspects of its state.",
        object(
          "One aspect.",
          {
            type: string("Established, NamesAccepted, ..."),
            status: words("True, False or Unknown.", ["True", "False", "Unknown"]),
            lastTransitionTime: time("When it last changed."),
            reason: string("One word for the last change."),
            message: string("Details of the last change."),
          },
          { required: ["type", "status"] },
        ),
        mergedBy("type"),
      ),
      acceptedNames: namesSchema,
      storedVersions: strings("Versions in which objects may be stored.", atomicList),
    }),
  },
});
export type CustomResourceDefinition = ObjectOf<typeof CustomResourceDefinition>;
