import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "./core/pod.ts";
import { DecodeError, decode } from "./decode.ts";

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
