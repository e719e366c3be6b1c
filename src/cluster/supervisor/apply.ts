import { apiVersionOf, type Kind } from "../../apis/kind.ts";
import { allKinds } from "../../apis/kinds.ts";
import { type KubeObject, keyOf } from "../../apis/meta.ts";
import type { Client } from "../../kube/api.ts";

/** Applies objects one after the other, as `manager`'s full intent (server-side apply, taking over what others set). */
export async function applyObjects(client: Client, objects: readonly KubeObject[], manager: string): Promise<void> {
  for (const object of objects) {
    const kind = kindOf(object);
    const { name, namespace } = object.metadata;
    try {
      await client
        .of(kind)
        .patch(
          { name, ...(namespace && { namespace }) },
          { type: "apply", body: object, force: true },
          { fieldManager: manager },
        );
    } catch (error) {
      throw new Error(`cannot apply ${object.kind} ${keyOf(object)}: ${(error as Error).message}`, { cause: error });
    }
  }
}

function kindOf(object: KubeObject): Kind {
  const kind = allKinds.find((known) => known.kind === object.kind && apiVersionOf(known) === object.apiVersion);
  if (!kind) throw new Error(`the kind ${object.kind} of ${object.apiVersion} is not known`);
  return kind;
}
