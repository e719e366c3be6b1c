import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "../../apis/core/configmap.ts";
import { Event } from "../../apis/core/event.ts";
import { fakeContext } from "../../testing/fake-context.ts";
import { startBuiltinController } from "./context.ts";

test("a failed pass of a built-in controller is repeated, and no Event tells of it but its own", async () => {
  const map: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m", namespace: "ns", uid: "u" } };
  const context = { ...fakeContext(null, [map]), caCertificate: "" };
  let passes = 0;
  const controller = startBuiltinController(context, {
    name: "some-controller",
    kind: ConfigMap,
    deps: undefined,
    async reconcile(_object, _deps, pass) {
      passes += 1;
      pass.events.warning("FailedCreate", "no");
      throw new Error("not yet");
    },
  });
  await context.clock.advance(100);
  assert.ok(passes > 1, `${passes} passes`);
  const { items } = await context.client.of(Event).list();
  assert.deepEqual(
    items.map(({ reason }) => reason),
    ["FailedCreate"],
  );
  context.stop();
  await controller.done;
});
