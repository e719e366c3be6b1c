import assert from "node:assert/strict";
import { test } from "node:test";
import { makeQueueContainer } from "./queue-container.ts";
import { bare, config, installation } from "./revision-world.ts";

for (const [value, told] of [
  [undefined, undefined],
  ["disabled", undefined],
  ["Enabled", "true"],
] as const) {
  test(`unlimited streams ${value ?? "not spoken of"}: queue-proxy is told ${told ?? "nothing"}`, () => {
    const annotations = value === undefined ? {} : { "features.hakn.dev/unlimited-streams": value };
    const revision = { ...bare, metadata: { ...bare.metadata, annotations } };
    const { env } = makeQueueContainer(revision, config, installation);
    assert.equal(env?.find(({ name }) => name === "HAKN_UNLIMITED_STREAMS")?.value, told);
  });
}
