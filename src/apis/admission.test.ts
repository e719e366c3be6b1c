import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defaultServingConfig, parseServingConfig } from "../config/serving-config.ts";
import { type AdmissionQuestion, admissionKinds, defaultObject, validateObject } from "./admission.ts";
import type { AdmissionKind } from "./admission-kind.ts";
import { decode } from "./decode.ts";
import type { Schema } from "./schema.ts";

const secure = parseServingConfig({
  "config-features": {
    "secure-pod-defaults": "Enabled",
    "multi-container-probing": "Enabled",
    "kubernetes.podspec-init-containers": "Enabled",
    "kubernetes.podspec-persistent-volume-claim": "Enabled",
    "kubernetes.podspec-securitycontext": "Enabled",
    "kubernetes.containerspec-addcapabilities": "Enabled",
  },
});

const ask = (object: unknown, config = defaultServingConfig): AdmissionQuestion => ({
  operation: "CREATE",
  object,
  userName: "alice",
  config,
  refuseUnknownFields: true,
});

const defaulted = (kind: AdmissionKind, object: unknown, config = defaultServingConfig) => {
  const answer = defaultObject(kind, ask(object, config));
  assert.ok(answer.allowed && answer.object, JSON.stringify(answer));
  return JSON.parse(JSON.stringify(answer.object)) as object;
};

/** Values that fit a schema, most fields absent; names and texts from a small stock, so that some are valid. */
function valuesOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema["x-kubernetes-int-or-string"]) {
    return schema.pattern === undefined
      ? fc.constantFrom<unknown>(0, 8080, "http")
      : fc.constantFrom("1", "100m", "1Gi", "0");
  }
  if (schema["x-words"]) return fc.constantFrom(...schema["x-words"]);
  switch (schema.type) {
    case "string":
      return schema.format === "date-time"
        ? fc.constant("2026-01-02T03:04:05Z")
        : fc.constantFrom("a", "web", "x-1", "/data", "");
    case "integer":
    case "number":
      return fc.constantFrom(0, 1, 3, 100, 8080, -1);
    case "boolean":
      return fc.boolean();
    case "array":
      return depth === 0 ? fc.constant([]) : fc.array(valuesOf(schema.items ?? {}, depth - 1), { maxLength: 2 });
    case "object":
      return depth === 0 ? fc.constant({}) : fieldsOf(schema, depth);
    default:
      return fc.constant(null);
  }
}

function fieldsOf(schema: Schema, depth: number): fc.Arbitrary<object> {
  if (schema.additionalProperties) {
    return fc.dictionary(fc.constantFrom("a", "b/c", "cpu"), valuesOf(schema.additionalProperties, depth - 1), {
      maxKeys: 2,
    });
  }
  const names = Object.keys(schema.properties ?? {});
  if (names.length === 0) return fc.constant({});
  return fc
    .subarray(names, { maxLength: Math.min(5, names.length) })
    .chain((chosen) =>
      fc.record(Object.fromEntries(chosen.map((name) => [name, valuesOf(schema.properties![name]!, depth - 1)]))),
    );
}

for (const kind of admissionKinds) {
  const { kind: name, properties } = kind.kind;
  const objects = fc.record({
    metadata: fc.constant({ name: "web", namespace: "default" }),
    spec: fieldsOf(properties["spec"]!, 7),
  });

  test(`decoding what was decoded changes nothing (${name})`, () => {
    fc.assert(
      fc.property(objects, (object) => {
        const once = JSON.parse(JSON.stringify(decode(kind.kind, object).object)) as unknown;
        assert.deepEqual(JSON.parse(JSON.stringify(decode(kind.kind, once).object)), once);
      }),
      { numRuns: 50 },
    );
  });

  // Upstream dies of a rule without `http`; ours need not keep that.
  test(`defaulting twice is defaulting once, and never fails (${name})`, () => {
    fc.assert(
      fc.property(objects, fc.constantFrom(defaultServingConfig, secure), (object, config) => {
        const once = defaulted(kind, object, config);
        assert.deepEqual(defaulted(kind, once, config), once);
        validateObject(kind, ask(object, config));
      }),
      { numRuns: 100 },
    );
  });
}

const [serviceKind] = admissionKinds as readonly [AdmissionKind];
const service = (container: object, template: object = {}) => ({
  metadata: { name: "web", namespace: "default" },
  spec: { template: { spec: { containers: [{ image: "ghcr.io/acme/web", ...container }], ...template } } },
});

const valid: readonly [name: string, object: object][] = [
  ["a Service with an image only", service({})],
  ["a Service with probes", service({ readinessProbe: { httpGet: { path: "/" } }, livenessProbe: { grpc: {} } })],
  [
    "a Service with a volume",
    service(
      { volumeMounts: [{ name: "v", mountPath: "/v" }] },
      { volumes: [{ name: "v", secret: { secretName: "s" } }] },
    ),
  ],
  ["a Service with a low port", service({ ports: [{ containerPort: 80 }] })],
];

for (const [name, object] of valid) {
  for (const [mode, config] of [
    ["default", defaultServingConfig],
    ["secure", secure],
  ] as const) {
    test(`${name} is valid before and after defaulting, as often as one likes (${mode} settings)`, () => {
      const once = defaulted(serviceKind, object, config);
      assert.equal(validateObject(serviceKind, ask(once, config)).message, undefined);
      const update = { ...ask(once, config), operation: "UPDATE", oldObject: once } as const;
      const again = defaultObject(serviceKind, update);
      assert.ok(again.allowed);
      assert.deepEqual(JSON.parse(JSON.stringify(again.object)), once);
      assert.equal(validateObject(serviceKind, update).message, undefined);
    });
  }
}

const strange: readonly [name: string, object: unknown][] = [
  ["a list", []],
  ["a text", "x"],
  ["a number", 1],
  ["nothing but null fields", { metadata: null, spec: null }],
  ["metadata of a wrong type", { metadata: [] }],
  [
    "fields called like those of every JavaScript object",
    JSON.parse('{"spec":{"__proto__":{"template":1},"constructor":1}}'),
  ],
  ["objects 10,000 deep", JSON.parse(`${'{"spec":'.repeat(10_000)}1${"}".repeat(10_000)}`)],
];

for (const [name, object] of strange) {
  test(`${name} in place of an object is answered, by every kind`, () => {
    for (const kind of admissionKinds) {
      const question = ask(object);
      assert.equal(typeof defaultObject(kind, question).allowed, "boolean");
      assert.equal(typeof validateObject(kind, question).allowed, "boolean");
    }
  });
}

const many = (element: unknown) => Array.from({ length: 5_000 }, () => element);
const hostile: readonly [name: string, object: object][] = [
  ["containers of one name", { containers: many({ name: "a" }) }],
  ["init containers of one name", { containers: [{ name: "a" }], initContainers: many({ name: "a" }) }],
  ["sources of variables that are none", { containers: [{ envFrom: [...many({}), ...many({ secretRef: {} })] }] }],
  ["volumes of one name", { containers: many({ volumeMounts: [{}] }), volumes: many({ name: "v", emptyDir: {} }) }],
];

for (const [name, spec] of hostile) {
  test(`5,000 ${name} are refused without delay`, () => {
    const object = { metadata: { name: "web", namespace: "default" }, spec: { template: { spec } } };
    const start = performance.now();
    const answer = defaultObject(serviceKind, ask(object, secure));
    assert.ok(answer.allowed);
    assert.equal(validateObject(serviceKind, ask(answer.object, secure)).allowed, false);
    assert.ok(performance.now() - start < 5_000);
  });
}
