import assert from "node:assert/strict";
import { test } from "node:test";
import { expandHosts } from "./hosts.ts";

const cases: readonly [sentence: string, hosts: string[], expanded: string[]][] = [
  ["a public host stays as it is", ["app.example.com"], ["app.example.com"]],
  [
    "a Service's host is known by its short forms too",
    ["app.ns.svc.cluster.local"],
    ["app.ns", "app.ns.svc", "app.ns.svc.cluster.local"],
  ],
  [
    "a short form whose last label is all digits is left out",
    ["app.123.svc.cluster.local"],
    ["app.123.svc", "app.123.svc.cluster.local"],
  ],
  [
    "a host in two forms is there once",
    ["app.ns.svc", "app.ns.svc.cluster.local"],
    ["app.ns", "app.ns.svc", "app.ns.svc.cluster.local"],
  ],
  ["an address is left out", ["10.0.0.1"], []],
];

for (const [sentence, hosts, expanded] of cases) {
  test(sentence, () => assert.deepEqual(expandHosts(hosts), expanded));
}
