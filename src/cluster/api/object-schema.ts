import type { KindInfo } from "../../apis/kind.ts";
import { objectMetaSchema } from "../../apis/meta.ts";
import { object, type Schema, string } from "../../apis/schema.ts";

/** The schema of a whole object of a kind. */
export function objectSchemaOf(kind: Pick<KindInfo, "description" | "properties">): Schema {
  return object(kind.description, {
    apiVersion: string("The versioned schema of this representation of an object."),
    kind: string("The REST resource that this object represents."),
    metadata: objectMetaSchema,
    ...kind.properties,
  });
}
