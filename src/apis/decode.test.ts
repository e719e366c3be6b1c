import assert from "node:assert/strict";
import { test } from "node:test";
import { Metric } from "./autoscaling/metric.ts";
import { Pod } from "./core/pod.ts";
import { makeCustomResourceDefinition } from "./crd.ts";
import { DecodeError, decode } from "./decode.ts";
import type { KindInfo } from "./kind.ts";
import { crdKinds } from "./kinds.ts";
import { Certificate } from "./networking/certificate.ts";
import type { Schema } from "./schema.ts";

const pod = (spec: unknown) => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec });

test("decoding is what a Go program would have after reading and writing the object", () => {
  const { object, unknownFields } = decode<Pod>(
    Pod,
    pod({
      hostNetwork: false,
      nodeName: null,
      enableServiceLinks: false,
      containers: [
        {
          name: "c",
          stdin: false,
          resources: { limits: { cpu: 1, memory: "1024Ki" }, requests: { cpu: "1000m" } },
          ports: [{ name: "web" }],
          readinessProbe: { periodSeconds: 0, tcpSocket: {} },
        },
      ],
    }),
  );
  assert.deepEqual(unknownFields, []);
  assert.deepEqual(object.spec, {
    enableServiceLinks: false,
    containers: [
      {
        name: "c",
        resources: { limits: { cpu: "1", memory: "1Mi" }, requests: { cpu: "1" } },
        ports: [{ name: "web", containerPort: 0 }],
        readinessProbe: { tcpSocket: { port: 0 } },
      },
    ],
  });
});

test("what is required is there, if only as zero, so that the API server leaves judging it to validation", () => {
  const decoded = decode<Pod>(
    Pod,
    pod({
      containers: [{ env: [{ value: "v" }], livenessProbe: { httpGet: { httpHeaders: [{ name: "X", value: "" }] } } }],
    }),
  );
  assert.deepEqual(decoded.object.spec, {
    containers: [
      {
        name: "",
        env: [{ name: "", value: "v" }],
        livenessProbe: { httpGet: { port: 0, httpHeaders: [{ name: "X", value: "" }] } },
      },
    ],
  });
  const metric = { spec: { stableWindow: 1, panicWindow: 1, scrapeTarget: "" } };
  assert.deepEqual(decode<Metric>(Metric, metric).object.spec, metric.spec);
  assert.deepEqual(decode<Certificate>(Certificate, { spec: { dnsNames: [] } }).object.spec, {
    dnsNames: [],
    secretName: "",
  });
});

for (const kind of crdKinds) {
  test(`no zero that a CRD requires is dropped (${kind.kind})`, () => {
    const { openAPIV3Schema } = makeCustomResourceDefinition(kind).spec.versions[0]!.schema!;
    assert.deepEqual(
      droppedZeros(kind, openAPIV3Schema as Schema, (value) => value, []),
      [],
    );
  });
}

/** The paths of required fields that are not in an object any more once one with their zero values was decoded. */
function droppedZeros(
  kind: KindInfo,
  schema: Schema,
  wrap: (value: unknown) => unknown,
  path: readonly (string | number)[],
): string[] {
  const required = schema.required ?? [];
  const deeper = (part: Schema | undefined, step: string | number, wrapPart: (value: unknown) => unknown) =>
    part ? droppedZeros(kind, part, (value) => wrap(wrapPart(value)), [...path, step]) : [];
  const isThere = (name: string) => {
    const zeros = Object.fromEntries(required.map((field) => [field, zeroOf(schema.properties![field]!)]));
    let place: unknown = decode(kind, wrap(zeros)).object;
    for (const step of path) place = (place as Record<string, unknown>)[step];
    return name in (place as object);
  };
  return [
    ...required.filter((name) => !isThere(name)).map((name) => [...path, name].join(".")),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) =>
      deeper(part, name, (value) => ({ [name]: value })),
    ),
    ...deeper(schema.items, 0, (value) => [value]),
    ...deeper(schema.additionalProperties, "key", (value) => ({ key: value })),
  ];
}

function zeroOf({ type }: Schema): unknown {
  if (type === "string") return "";
  if (type === "boolean") return false;
  if (type === "array") return [];
  return type === "object" ? {} : 0;
}

test("unknown fields are told with their paths and left out", () => {
  const { object, unknownFields } = decode<Pod>(Pod, pod({ foo: 1, containers: [{ name: "c", bar: {} }] }));
  assert.deepEqual(unknownFields, ["spec.foo", "spec.containers[0].bar"]);
  assert.deepEqual(object.spec, { containers: [{ name: "c" }] });
});

test("names that every JavaScript object has are unknown fields like others", () => {
  const spec = JSON.parse('{"containers": [], "constructor": {}, "__proto__": {"hostNetwork": true}}');
  const { object, unknownFields } = decode<Pod>(Pod, pod(spec));
  assert.deepEqual(unknownFields, ["spec.constructor", "spec.__proto__"]);
  assert.deepEqual(object.spec, { containers: [] });
});

test("labels may have any name", () => {
  const labels = JSON.parse('{"__proto__": "x", "a": null}');
  const { object } = decode<Pod>(Pod, { metadata: { labels } });
  assert.deepEqual(Object.entries(object.metadata.labels ?? {}), [
    ["__proto__", "x"],
    ["a", ""],
  ]);
});

const refused: readonly [name: string, spec: unknown, message: RegExp][] = [
  [
    "a text for a number",
    { priority: "1" },
    /json: cannot unmarshal string into Go struct field Pod.spec.priority of type int32/,
  ],
  ["a fraction for a whole number", { priority: 1.5 }, /cannot unmarshal number 1.5/],
  ["a number beyond 32 bits", { priority: 2 ** 31 }, /cannot unmarshal number 2147483648/],
  ["a list for an object", { affinity: [] }, /cannot unmarshal array/],
  ["an object for a list", { containers: {} }, /cannot unmarshal object/],
  ["no quantity", { overhead: { cpu: "much" } }, /^quantities must match the regular expression/],
];

for (const [name, spec, message] of refused) {
  test(`decoding refuses ${name}`, () => {
    assert.throws(
      () => decode(Pod, pod(spec)),
      (error) => error instanceof DecodeError && message.test(error.message),
    );
  });
}
