import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCustomResourceDefinition } from "./crd.ts";
import { apiVersionOf, resourceNameOf } from "./kind.ts";
import { allKinds, crdKinds } from "./kinds.ts";

interface Published {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Published>>;
  readonly items?: Published;
  readonly additionalProperties?: Published;
}

test("every kind has a name of its own", () => {
  const names = allKinds.map((kind) => `${apiVersionOf(kind)} ${kind.kind}`);
  assert.equal(new Set(names).size, names.length);
});

for (const kind of crdKinds) {
  test(`every field of ${resourceNameOf(kind)} is described, for kubectl explain`, () => {
    const { schema } = makeCustomResourceDefinition(kind).spec.versions[0]!;
    const root = schema?.openAPIV3Schema as Published;
    const { metadata: _, ...fields } = root.properties ?? {};
    assert.deepEqual(
      Object.entries(fields).flatMap(([name, field]) => undescribed(field, name)),
      [],
    );
  });

  test(`the CRD of ${resourceNameOf(kind)} has no marks of ours`, () => {
    const text = JSON.stringify(makeCustomResourceDefinition(kind));
    assert.doesNotMatch(text, /"x-(words|present|published|zero|kubernetes-patch)/);
  });
}

/** The paths of fields without a description. */
function undescribed(field: Published, path: string): string[] {
  const within = Object.entries(field.properties ?? field.items?.properties ?? {});
  return [
    ...(field.description ? [] : [path]),
    ...within.flatMap(([name, property]) => undescribed(property, `${path}.${name}`)),
  ];
}
