import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "../apis/core/configmap.ts";
import { Configuration } from "../apis/serving/configuration.ts";
import { fakeClient } from "../testing/fake-client.ts";
import { testConfiguration } from "../testing/serving-objects.ts";
import { writeThrough } from "./write-through.ts";

function setUp() {
  const learned: string[] = [];
  const object = testConfiguration();
  const client = writeThrough(fakeClient([object]), {
    learn: (kind, { metadata }) => learned.push(`${kind.kind} ${metadata.name}`),
  });
  return { client, learned, object };
}
const map: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "ns" } };

test("the answers to writes are learned", async () => {
  const { client, learned, object } = setUp();
  await client.of(ConfigMap).create(map);
  await client.of(Configuration).updateStatus({ ...object, status: { latestCreatedRevisionName: "a" } });
  await client
    .of(Configuration)
    .patch(object.metadata as { name: string; namespace: string }, { type: "merge", body: {} });
  await client.of(ConfigMap).delete({ name: "a", namespace: "ns" });
  assert.deepEqual(learned, ["ConfigMap a", "Configuration hello", "Configuration hello"]);
});

test("a trial and a refusal teach nothing", async () => {
  const { client, learned } = setUp();
  await client.of(ConfigMap).create(map, { dryRun: true });
  await client
    .of(ConfigMap)
    .create(map)
    .catch(() => {});
  await assert.rejects(client.of(ConfigMap).create(map));
  assert.ok(learned.length <= 1);
});
