import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Access, send } from "./contract.ts";
import type { Step } from "./contract-cases/samples.ts";
import { type ScratchServer, startScratchServer } from "./scratch-server.ts";

const core = "/api/v1/namespaces/default";
const roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const webhooks = "/apis/admissionregistration.k8s.io/v1";

const namespaceOf = (finalizers: string[], resourceVersion?: string) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "doomed", ...(resourceVersion && { resourceVersion }) },
  spec: { finalizers },
});
const roleOf = (name: string) => ({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name } });
const leaseOf = (name: string, spec: object) => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name },
  spec,
});
const configMapOf = (name: string, finalizers: string[] = []) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, finalizers },
});
const webhookOf = (kind: string) => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: `${kind}WebhookConfiguration`,
  metadata: { name: "idle" },
  webhooks: [
    {
      name: "idle.example.com",
      clientConfig: { url: "https://127.0.0.1:1/" },
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
    },
  ],
});
/** What is asked, and the code and the words of the answer. */
const rows: [name: string, step: Step, code: number, says?: RegExp][] = [
  [
    "a namespace that has gone is not finalized",
    ["PUT", "/api/v1/namespaces/nowhere/finalize", { ...namespaceOf([]), metadata: { name: "nowhere" } }],
    404,
    /namespaces \\"nowhere\\" not found/,
  ],
  [
    "a namespace is finalized by who saw its latest version",
    ["PUT", "/api/v1/namespaces/doomed/finalize", namespaceOf([], "1")],
    409,
    /the object has been modified/,
  ],
  [
    "a namespace may be finalized whatever its version",
    ["PUT", "/api/v1/namespaces/doomed/finalize", namespaceOf(["example.com/mine"])],
    200,
    /"finalizers":\["example.com\/mine"\]/,
  ],

  [
    "an object is deleted by who saw its latest version",
    ["DELETE", `${core}/configmaps/seen`, { preconditions: { resourceVersion: "1" } }],
    409,
    /the ResourceVersion in the precondition \(1\) does not match/,
  ],
  [
    "an object cannot both orphan its dependents and wait for them",
    ["POST", `${core}/configmaps`, configMapOf("torn", ["orphan", "foregroundDeletion"])],
    422,
    /finalizer orphan and foregroundDeletion cannot be both set/,
  ],
  ["a Role that is put is created", ["PUT", `${roles}/new`, roleOf("new")], 201],
  ["a Role is not named ..", ["POST", roles, roleOf("..")], 422, /may not be '\.\.'/],
  ["a Role is not named .", ["POST", roles, roleOf(".")], 422, /may not be '\.'/],
  ["a Lease counts its holders", ["POST", leases, leaseOf("many", { leaseTransitions: 3 })], 201],
  [
    "a Lease's holders are no fewer than none",
    ["POST", leases, leaseOf("fewer", { leaseTransitions: -1 })],
    422,
    /leaseTransitions: Invalid value: -1: must be greater than or equal to 0/,
  ],
  [
    "a mutating webhook is not asked again unless it says so",
    ["POST", `${webhooks}/mutatingwebhookconfigurations`, webhookOf("Mutating")],
    201,
    /"reinvocationPolicy":"Never"/,
  ],
  [
    "a validating webhook is never asked again",
    ["POST", `${webhooks}/validatingwebhookconfigurations`, webhookOf("Validating")],
    201,
    /^(?!.*reinvocationPolicy)/s,
  ],
  [
    "an apply has to name the version of its object",
    ["PATCH", `${core}/configmaps/none?fieldManager=me`, { kind: "ConfigMap" }, "application/apply-patch+yaml"],
    400,
    /apiVersion/,
  ],
];

describe("writes", () => {
  let scratch: ScratchServer;
  let access: Access;

  before(async () => {
    scratch = await startScratchServer();
    access = scratch.access;
    const set: Step[] = [
      ["POST", "/api/v1/namespaces", namespaceOf([])],
      ["POST", `${core}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } }],
      ["POST", `${core}/configmaps`, configMapOf("seen")],
    ];
    for (const step of set) {
      const { code, text } = await send(access, step);
      assert.ok(code < 300, `${step[1]}: ${text}`);
    }
  });

  after(async () => {
    await scratch.close();
  });

  for (const [name, step, code, says] of rows) {
    test(name, async () => {
      const answer = await send(access, step);
      assert.equal(answer.code, code, answer.text);
      if (says) assert.match(answer.text, says);
    });
  }
});
