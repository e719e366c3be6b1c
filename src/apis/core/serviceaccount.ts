import { defineKind, type ObjectOf } from "../kind.ts";
import { atomicList, bool, list, mergedBy } from "../schema.ts";
import { localObjectReferenceSchema, objectReferenceSchema } from "./references.ts";

/** Whom pods act as. */
export const ServiceAccount = defineKind({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  shortNames: ["sa"],
  description: "Whom pods act as.",
  properties: {
    secrets: list("Secrets that its pods may use.", objectReferenceSchema, mergedBy("name")),
    imagePullSecrets: list(
      "Secrets with credentials for the images of its pods.",
      localObjectReferenceSchema,
      atomicList,
    ),
    automountServiceAccountToken: bool("Whether pods get a token, unless they tell."),
  },
});
export type ServiceAccount = ObjectOf<typeof ServiceAccount>;
