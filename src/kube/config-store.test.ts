import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap } from "../apis/core/configmap.ts";
import { silentLogger } from "../lib/log.ts";
import { fakeInformers } from "../testing/fake-informers.ts";
import { createConfigStore } from "./config-store.ts";

interface Config {
  readonly sizes: { readonly limit: number };
  readonly names: { readonly domain: string };
}

let version = 1;
const makeMap = (name: string, data: Record<string, string>, namespace = "system"): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace, uid: name, resourceVersion: String(version++) },
  data,
});

async function setUp(objects: ConfigMap[] = []) {
  const informers = fakeInformers(objects);
  const invalid: string[] = [];
  const changes: Config[] = [];
  const store = createConfigStore<Config>({
    informers,
    namespace: "system",
    log: silentLogger,
    onInvalid: (map, error) => invalid.push(`${map.metadata.name}: ${(error as Error).message}`),
    sections: {
      sizes: {
        configMap: "config-sizes",
        parse(data) {
          const limit = Number(data["limit"] ?? 10);
          if (Number.isNaN(limit)) throw new Error("limit: not a number");
          return { limit };
        },
      },
      names: { configMap: "config-names", parse: (data) => ({ domain: data["domain"] ?? "example.com" }) },
    },
  });
  store.onChange((config) => changes.push(config));
  await store.synced;
  return { informers, store, invalid, changes };
}

test("a missing ConfigMap means the defaults", async () => {
  const { store } = await setUp();
  assert.deepEqual(store.current(), { sizes: { limit: 10 }, names: { domain: "example.com" } });
});

test("what is there at the start is no change", async () => {
  const { store, changes } = await setUp([makeMap("config-sizes", { limit: "3" })]);
  assert.equal(store.current().sizes.limit, 3);
  assert.deepEqual(changes, []);
});

test("a change replaces the whole configuration, of which the other sections stay as they are", async () => {
  const { store, informers, changes } = await setUp();
  const before = store.current();
  informers.put(makeMap("config-sizes", { limit: "4" }));
  assert.equal(before.sizes.limit, 10);
  assert.equal(store.current().sizes.limit, 4);
  assert.equal(store.current().names, before.names);
  assert.deepEqual(changes, [store.current()]);
});

test("a ConfigMap that says the same in other words is no change", async () => {
  const { informers, changes } = await setUp([makeMap("config-sizes", { limit: "4" })]);
  informers.put(makeMap("config-sizes", { limit: "4.0", _example: "text" }));
  assert.deepEqual(changes, []);
});

test("a bad value keeps the last good one and is told", async () => {
  const { store, informers, invalid, changes } = await setUp([makeMap("config-sizes", { limit: "4" })]);
  informers.put(makeMap("config-sizes", { limit: "four" }));
  assert.equal(store.current().sizes.limit, 4);
  assert.deepEqual(invalid, ["config-sizes: limit: not a number"]);
  assert.deepEqual(changes, []);
  informers.put(makeMap("config-sizes", { limit: "5" }));
  assert.equal(store.current().sizes.limit, 5);
});

test("a bad value at the start means the defaults", async () => {
  const { store, invalid } = await setUp([makeMap("config-sizes", { limit: "four" })]);
  assert.equal(store.current().sizes.limit, 10);
  assert.equal(invalid.length, 1);
});

test("a deleted ConfigMap means the defaults again", async () => {
  const map = makeMap("config-names", { domain: "hakn.dev" });
  const { store, informers, changes } = await setUp([map]);
  assert.equal(store.current().names.domain, "hakn.dev");
  informers.remove(map);
  assert.equal(store.current().names.domain, "example.com");
  assert.equal(changes.length, 1);
});
