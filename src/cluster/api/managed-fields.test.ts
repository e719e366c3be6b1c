import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConfigMap } from "../../apis/core/configmap.ts";
import { makeFieldSet } from "./field-set.ts";
import { trackUpdate } from "./managed-fields.ts";

const schema = { type: "object" } as const;
const timeOf = (second: number) => `2024-01-01T00:00:${String(second).padStart(2, "0")}Z`;

/** A ConfigMap to which updaters have each added a key of their own name, one a second; some apply instead. */
function written(updaters: readonly string[], appliers: readonly string[] = []) {
  const blank: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } };
  const applied = appliers.map((manager) => ({
    manager,
    operation: "Apply",
    apiVersion: "v1",
    time: timeOf(0),
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": { [`f:${manager}`]: {} } },
  }));
  let map: ConfigMap | undefined =
    appliers.length > 0 ? { ...blank, metadata: { name: "m", managedFields: applied } } : undefined;
  for (const [second, name] of updaters.entries()) {
    const after: ConfigMap = { ...(map ?? blank), data: { ...map?.data, [name]: "1" } };
    const context = { schema, resetFields: makeFieldSet(), blank, now: timeOf(second) };
    const managedFields = trackUpdate(map, after, { name, apiVersion: "v1", subresource: "" }, context)!;
    map = { ...after, metadata: { ...after.metadata, managedFields } };
  }
  return (map?.metadata.managedFields ?? []).map(({ manager, time, fieldsV1 }) => ({
    manager,
    time,
    keys: Object.keys((fieldsV1?.["f:data"] as object) ?? {})
      .filter((key) => key.startsWith("f:"))
      .map((key) => key.slice(2)),
  }));
}

describe("those who update an object", () => {
  const letters = [..."abcdefghijkl"];

  test("are all remembered while there are no more than ten", () => {
    assert.deepEqual(
      written(["-", ...letters.slice(0, 9)]).map(({ manager }) => manager),
      ["-", ...letters.slice(0, 9)],
    );
  });

  test("are counted as one, but for the last nine, from then on", () => {
    const [oldest, ...others] = written(letters);
    assert.deepEqual(oldest, { manager: "ancient-changes", time: timeOf(2), keys: ["a", "b", "c"] });
    assert.deepEqual(
      others.map(({ manager }) => manager),
      letters.slice(3),
    );
  });

  test("are not crowded out by those who apply", () => {
    const managers = written(letters.slice(0, 10), ["x", "y", "z"]).map(({ manager }) => manager);
    assert.deepEqual(managers, ["x", "y", "z", ...letters.slice(0, 10)]);
  });
});
