import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultServingConfig } from "../../config/serving-config.ts";
import { defaultObject, validateObject } from "../admission.ts";
import { ingressAdmission } from "./ingress-admission.ts";

const ask = (object: unknown) =>
  ({
    operation: "CREATE",
    object,
    userName: "alice",
    config: defaultServingConfig,
    refuseUnknownFields: true,
  }) as const;

const ingress = (rule: object) => ({ metadata: { name: "web", namespace: "default" }, spec: { rules: [rule] } });

test("a rule without http is refused; upstream crashes", () => {
  const question = ask(ingress({ hosts: ["a.example.com"] }));
  assert.equal(defaultObject(ingressAdmission, question).allowed, true);
  assert.equal(
    validateObject(ingressAdmission, question).message,
    "validation failed: missing field(s): spec.rules[0].http",
  );
});

const empty: readonly [what: string, spec: object, place: string][] = [
  ["path", { rules: [{ http: { paths: [{ splits: [] }] } }] }, "spec.rules[0].http.paths[0]"],
  ["tls", { rules: [], tls: [{ hosts: [], secretName: "" }] }, "spec.rules, spec.tls[0]"],
];

for (const [what, spec, place] of empty) {
  test(`a ${what} of empty fields is told as a whole`, () => {
    const question = ask({ metadata: { name: "web", namespace: "default" }, spec });
    assert.equal(validateObject(ingressAdmission, question).message, `validation failed: missing field(s): ${place}`);
  });
}

test("one split gets all requests, and a rule is for everyone unless told", () => {
  const split = { serviceName: "web", serviceNamespace: "default", servicePort: 80 };
  const answer = defaultObject(ingressAdmission, ask(ingress({ http: { paths: [{ splits: [split] }] } })));
  assert.ok(answer.allowed);
  assert.deepEqual(answer.object, {
    metadata: { name: "web", namespace: "default" },
    spec: { rules: [{ visibility: "ExternalIP", http: { paths: [{ splits: [{ ...split, percent: 100 }] }] } }] },
  });
});
