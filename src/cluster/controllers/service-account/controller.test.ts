import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap } from "../../../apis/core/configmap.ts";
import type { Namespace } from "../../../apis/core/namespace.ts";
import type { ServiceAccount } from "../../../apis/core/serviceaccount.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import { apiError } from "../../../kube/errors.ts";
import type { Induce } from "../../../testing/fake-client.ts";
import { fakeContext } from "../../../testing/fake-context.ts";
import { startServiceAccountController } from "./controller.ts";

const space = (more: Partial<KubeObject["metadata"]> = {}): Namespace => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "ns", ...more },
  spec: {},
});
const metadata = { name: "default", namespace: "ns" };
const account: ServiceAccount = { apiVersion: "v1", kind: "ServiceAccount", metadata };
const authority = (certificate: string): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "kube-root-ca.crt", namespace: "ns" },
  data: { "ca.crt": certificate },
});
const terminating = apiError(403, "Forbidden", "because it is being terminated", {
  causes: [{ reason: "NamespaceTerminating" }],
});

const made = ["create serviceaccounts default", "create configmaps kube-root-ca.crt"];
const rows: [name: string, objects: KubeObject[], writes: string[], induce?: Induce[], isRepeated?: boolean][] = [
  ["a namespace gets its account and its authority", [space()], made],
  ["a namespace that has both is left alone", [space(), account, authority("ours")], []],
  [
    "an authority that is not ours is replaced",
    [space(), account, authority("other")],
    ["patch configmaps kube-root-ca.crt"],
  ],
  ["a namespace on its way out gets nothing", [space({ deletionTimestamp: "2024-01-01T00:00:00Z" })], []],
  ["an account without a namespace brings nothing about", [account], []],
  [
    "what is there already is fine",
    [space()],
    made,
    [{ verb: "create", resource: "*", error: apiError(409, "AlreadyExists", "") }],
  ],
  ["a namespace that goes meanwhile is fine", [space()], made, [{ verb: "create", resource: "*", error: terminating }]],
  [
    "a failure is repeated",
    [space()],
    [made[0]!, ...made],
    [{ verb: "create", resource: "serviceaccounts", times: 1 }],
    true,
  ],
];
for (const [name, objects, writes, induce = [], isRepeated = false] of rows) {
  test(name, async () => {
    const context = { ...fakeContext(null, objects, induce), caCertificate: "ours" };
    const controller = startServiceAccountController(context);
    await context.clock.advance(0);
    assert.equal(context.clock.pendingTimers() > 0, isRepeated);
    await context.clock.advance(1000);
    assert.deepEqual(
      context.client.actions.map(({ verb, resource, name }) => `${verb} ${resource} ${name}`),
      writes,
    );
    context.stop();
    await controller.done;
  });
}
