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

/** What kubectl shows: upstream's names, since scripts and fingers know them. */
const shown: Readonly<Record<string, readonly [shortNames: string, categories: string, columns: string]>> = {
  "services.serving.knative.dev": [
    "kservice ksvc",
    "all knative serving",
    "URL, LatestCreated, LatestReady, Ready, Reason",
  ],
  "configurations.serving.knative.dev": [
    "config cfg",
    "all knative serving",
    "LatestCreated, LatestReady, Ready, Reason",
  ],
  "revisions.serving.knative.dev": [
    "rev",
    "all knative serving",
    "Config Name, Generation, Ready, Reason, Actual Replicas, Desired Replicas",
  ],
  "routes.serving.knative.dev": ["rt", "all knative serving", "URL, Ready, Reason"],
  "domainmappings.serving.knative.dev": ["dm", "all knative serving", "URL, Ready, Reason"],
  "podautoscalers.autoscaling.internal.knative.dev": [
    "kpa pa",
    "knative-internal autoscaling",
    "DesiredScale, ActualScale, Ready, Reason",
  ],
  "metrics.autoscaling.internal.knative.dev": ["", "knative-internal autoscaling", "Ready, Reason"],
  "images.caching.internal.knative.dev": ["", "knative-internal caching", "Image"],
  "ingresses.networking.internal.knative.dev": ["kingress king", "knative-internal networking", "Ready, Reason"],
  "serverlessservices.networking.internal.knative.dev": [
    "sks",
    "knative-internal networking",
    "Mode, Activators, ServiceName, PrivateServiceName, Ready, Reason",
  ],
  "certificates.networking.internal.knative.dev": ["kcert", "knative-internal networking", "Ready, Reason"],
  "clusterdomainclaims.networking.internal.knative.dev": ["cdc", "knative-internal networking", ""],
};

test("short names, categories and columns are upstream's", () => {
  const ours = crdKinds.map((kind) => [
    resourceNameOf(kind),
    [kind.shortNames.join(" "), kind.categories.join(" "), kind.printerColumns.map(({ name }) => name).join(", ")],
  ]);
  assert.deepEqual(Object.fromEntries(ours), shown);
});

/** The paths of fields without a description. */
function undescribed(field: Published, path: string): string[] {
  const element = field.items ?? field.additionalProperties;
  const within = element ? undescribed({ description: "that of the whole", ...element }, `${path}[]`) : [];
  const properties = Object.entries(field.properties ?? {});
  return [
    ...(field.description ? [] : [path]),
    ...within,
    ...properties.flatMap(([name, property]) => undescribed(property, `${path}.${name}`)),
  ];
}
