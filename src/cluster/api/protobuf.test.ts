import assert from "node:assert/strict";
import { before, test } from "node:test";
import { decodeProtobuf, loadProtobufTable } from "./protobuf.ts";

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Buffer.from([...bytes, Number(left)]);
}

/** A field of a length-delimited type, or of a number. */
function field(number: number, value: bigint | string | Buffer): Buffer {
  if (typeof value === "bigint") return Buffer.concat([varint(BigInt(number << 3)), varint(value)]);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
}

const message = (...fields: Buffer[]) => Buffer.concat(fields);
const envelope = (apiVersion: string, kind: string, ...fields: Buffer[]) =>
  message(Buffer.from("k8s\0"), field(1, message(field(1, apiVersion), field(2, kind))), field(2, message(...fields)));
const entry = (key: string, value: string | Buffer) => message(field(1, key), field(2, value));
/** Metadata of the name "n" and with more. */
const metadata = (...more: Buffer[]) => field(1, message(field(1, "n"), ...more));
const time = (seconds: bigint, nanos = 0n) => message(field(1, seconds), field(2, nanos));
const newYear = 1_704_067_200n;

before(loadProtobufTable);

/** What is decoded, without version and kind. Numbers are those of k8s.io/api. */
const rows: [name: string, apiVersion: string, kind: string, body: Buffer, decoded: object][] = [
  [
    "texts and maps",
    "v1",
    "ConfigMap",
    message(metadata(), field(2, entry("a", "b")), field(2, entry("c", ""))),
    { metadata: { name: "n" }, data: { a: "b", c: "" } },
  ],
  ["bytes", "v1", "ConfigMap", field(3, entry("k", Buffer.from([0, 255]))), { binaryData: { k: "AP8=" } }],
  [
    "lists",
    "v1",
    "ConfigMap",
    metadata(field(14, "a/b"), field(14, "c/d")),
    { metadata: { name: "n", finalizers: ["a/b", "c/d"] } },
  ],
  [
    "times",
    "v1",
    "ConfigMap",
    metadata(field(8, time(newYear))),
    { metadata: { name: "n", creationTimestamp: "2024-01-01T00:00:00Z" } },
  ],
  ["a time that is not set", "v1", "ConfigMap", metadata(field(8, "")), { metadata: { name: "n" } }],
  ["Go's zero time", "v1", "ConfigMap", metadata(field(8, time(-62_135_596_800n))), { metadata: { name: "n" } }],
  [
    "times to the microsecond",
    "coordination.k8s.io/v1",
    "Lease",
    field(2, field(4, time(newYear, 1_500n))),
    { spec: { renewTime: "2024-01-01T00:00:00.000001Z" } },
  ],
  [
    "numbers below zero",
    "coordination.k8s.io/v1",
    "Lease",
    field(2, field(5, -1n)),
    { spec: { leaseTransitions: -1 } },
  ],
  [
    "a number that is set to zero",
    "coordination.k8s.io/v1",
    "Lease",
    field(2, field(5, 0n)),
    { spec: { leaseTransitions: 0 } },
  ],
  [
    "amounts",
    "v1",
    "ResourceQuota",
    field(2, field(1, entry("cpu", field(1, "500m")))),
    { spec: { hard: { cpu: "500m" } } },
  ],
  [
    "a port that is a number",
    "v1",
    "Service",
    field(2, field(1, message(field(3, 80n), field(4, message(field(1, 0n), field(2, 8080n)))))),
    { spec: { ports: [{ port: 80, targetPort: 8080 }] } },
  ],
  [
    "a port that is a name",
    "v1",
    "Service",
    field(2, field(1, message(field(3, 80n), field(4, message(field(1, 1n), field(3, "http")))))),
    { spec: { ports: [{ port: 80, targetPort: "http" }] } },
  ],
  [
    "a number or text that is set to zero",
    "policy/v1",
    "PodDisruptionBudget",
    field(2, field(1, message(field(1, 0n), field(2, 0n)))),
    { spec: { minAvailable: 0 } },
  ],
  [
    "JSON in it",
    "v1",
    "ConfigMap",
    metadata(field(17, message(field(1, "m"), field(7, field(1, '{"f:data":{}}'))))),
    { metadata: { name: "n", managedFields: [{ manager: "m", fieldsV1: { "f:data": {} } }] } },
  ],
  ["flags", "v1", "Secret", message(metadata(), field(5, 1n)), { metadata: { name: "n" }, immutable: true }],
  [
    "fields that nobody knows",
    "v1",
    "ConfigMap",
    message(metadata(), field(1000, "x"), field(1001, 1n)),
    { metadata: { name: "n" } },
  ],
  ["nothing", "v1", "ConfigMap", Buffer.alloc(0), {}],
  ["what a deletion is to keep to", "v1", "DeleteOptions", field(1, 0n), { gracePeriodSeconds: 0 }],
];
for (const [name, apiVersion, kind, body, decoded] of rows) {
  test(`protobuf: ${name}`, () => {
    assert.deepEqual(decodeProtobuf(envelope(apiVersion, kind, body)), { apiVersion, kind, ...decoded });
  });
}

const refused: [name: string, body: Buffer, code: number, message: RegExp][] = [
  ["a kind that is unknown", envelope("example.com/v1", "Widget"), 415, /unknown format/],
  ["what is no protobuf", Buffer.from("{}"), 400, /does not appear to be a protobuf message/],
  ["a field that is cut off", envelope("v1", "ConfigMap", Buffer.from([0x0a, 5, 1])), 400, /unexpected EOF/],
  ["a number that is cut off", envelope("v1", "ConfigMap", Buffer.from([0x80])), 400, /unexpected EOF/],
  ["a number that does not end", envelope("v1", "ConfigMap", Buffer.alloc(11, 0xff)), 400, /illegal wireType/],
  ["a type that there is not", envelope("v1", "ConfigMap", Buffer.from([0x0b])), 400, /illegal wireType 3/],
  [
    "JSON in it that is none",
    envelope("v1", "ConfigMap", metadata(field(17, field(7, field(1, "{"))))),
    400,
    /not JSON/,
  ],
];
for (const [name, body, code, words] of refused) {
  test(`protobuf: ${name} is refused`, () => {
    assert.throws(() => decodeProtobuf(body), { code, message: words });
  });
}
