import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterDomainOf } from "./cluster-domain.ts";

const cases: readonly [sentence: string, text: string, domain: string][] = [
  ["an empty configuration means cluster.local", "", "cluster.local"],
  [
    "a pod's search line names the domain",
    "nameserver 1.1.1.1\nsearch ns.svc.abc.com svc.abc.com abc.com\n",
    "abc.com",
  ],
  ["a trailing dot is not part of the domain", "search ns.svc.abc.com. svc.abc.com. abc.com.", "abc.com"],
  ["a machine's own search line says nothing", "search example.com lan", "cluster.local"],
  ["other keywords say nothing", "domain svc.abc.com", "cluster.local"],
];

for (const [sentence, text, domain] of cases) {
  test(sentence, () => assert.equal(clusterDomainOf(text), domain));
}
