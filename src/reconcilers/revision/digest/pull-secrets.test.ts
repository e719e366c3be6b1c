import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../../apis/meta.ts";
import { fakeClient, type Induce } from "../../../testing/fake-client.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { testRevision } from "../../../testing/serving-objects.ts";
import { credentialsFor } from "./credentials.ts";
import { createPullSecrets } from "./pull-secrets.ts";

function secret(name: string, registry: string, username: string): KubeObject {
  const auths = { [registry]: { username, password: "pw" } };
  const data = { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") };
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "ns" }, data } as KubeObject;
}

function account(name: string, ...secrets: string[]): KubeObject {
  const imagePullSecrets = secrets.map((secretName) => ({ name: secretName }));
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace: "ns" },
    imagePullSecrets,
  } as KubeObject;
}

function setUp(objects: readonly KubeObject[], induce: readonly Induce[] = []) {
  let requests = 0;
  const inner = fakeClient(objects, induce);
  const client: typeof inner = {
    ...inner,
    of: (kind) => {
      const resource = inner.of(kind);
      return {
        ...resource,
        get: (ref) => {
          requests++;
          return resource.get(ref);
        },
      };
    },
  };
  const clock = fakeClock();
  const pullSecrets = createPullSecrets(client, clock);
  const spec = testRevision(1).spec;
  const usernameFor = async (registry: string, more: object = {}) => {
    const revision = testRevision(1, { spec: { ...spec, ...more } });
    const keyring = await pullSecrets.keyringOf(revision, new AbortController().signal);
    return credentialsFor(keyring, registry, "acme/app").map(({ username }) => username);
  };
  return { usernameFor, clock, requests: () => requests };
}

test("the revision's own secrets go before those of its service account", async () => {
  const objects = [account("default", "b"), secret("a", "ghcr.io", "own"), secret("b", "ghcr.io", "account's")];
  const { usernameFor } = setUp(objects);
  assert.deepEqual(await usernameFor("ghcr.io", { imagePullSecrets: [{ name: "a" }] }), ["own", "account's"]);
  assert.deepEqual(await usernameFor("ghcr.io"), ["account's"]);
});

test("the service account that the revision names is asked", async () => {
  const { usernameFor } = setUp([account("runner", "b"), secret("b", "ghcr.io", "runner's")]);
  assert.deepEqual(await usernameFor("ghcr.io", { serviceAccountName: "runner" }), ["runner's"]);
});

test("accounts and secrets that do not exist are left out", async () => {
  const { usernameFor } = setUp([secret("a", "ghcr.io", "own")]);
  assert.deepEqual(await usernameFor("ghcr.io", { imagePullSecrets: [{ name: "gone" }, { name: "a" }] }), ["own"]);
});

test("what was read serves for half a minute", async () => {
  const { usernameFor, clock, requests } = setUp([account("default", "b"), secret("b", "ghcr.io", "me")]);
  await usernameFor("ghcr.io");
  await usernameFor("ghcr.io");
  assert.equal(requests(), 2);
  await clock.advance(30_000);
  await usernameFor("ghcr.io");
  assert.equal(requests(), 4);
});

test("a secret that cannot be read is told, and asked for again the next time", async () => {
  const induce: Induce = { verb: "get", resource: "secrets", times: 1 };
  const { usernameFor } = setUp([account("default", "b"), secret("b", "ghcr.io", "me")], [induce]);
  await assert.rejects(usernameFor("ghcr.io"), /inducing failure for get secrets/);
  assert.deepEqual(await usernameFor("ghcr.io"), ["me"]);
});
