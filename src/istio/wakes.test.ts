import assert from "node:assert/strict";
import { test } from "node:test";

import { defaultServingConfig, type ServingConfig } from "../config/serving-config.ts";
import { childOf, keysWokenBy, plainObject, type Wake } from "../testing/wakes.ts";
import { startIngressController } from "./controller.ts";
import { startPodAddressabilityController } from "./pod-addressability/controller.ts";

const internal = "networking.internal.knative.dev/v1alpha1";
const istio = "networking.istio.io/v1beta1";
const ingress = plainObject(internal, "Ingress", "hello", { uid: "1" });
const serverlessService = plainObject(internal, "ServerlessService", "hello-00001", { uid: "2" });

const startIngress: Wake<ServingConfig>["start"] = (context) =>
  startIngressController(context, async () => ({ status: 200, hash: undefined, text: "" }));

for (const [who, start, what, object, keys] of [
  [
    "an Ingress",
    startIngress,
    "its VirtualService",
    plainObject(istio, "VirtualService", "any", childOf(ingress)),
    ["ns/hello"],
  ],
  ["an Ingress", startIngress, "its Gateway", plainObject(istio, "Gateway", "any", childOf(ingress)), ["ns/hello"]],
  ["an Ingress", startIngress, "a VirtualService of nobody", plainObject(istio, "VirtualService", "any"), []],
  [
    "a ServerlessService",
    startPodAddressabilityController,
    "its VirtualService",
    plainObject(istio, "VirtualService", "any", childOf(serverlessService)),
    ["ns/hello-00001"],
  ],
  [
    "a ServerlessService",
    startPodAddressabilityController,
    "its DestinationRule",
    plainObject(istio, "DestinationRule", "any", childOf(serverlessService)),
    ["ns/hello-00001"],
  ],
  [
    "a ServerlessService",
    startPodAddressabilityController,
    "an Ingress's VirtualService",
    plainObject(istio, "VirtualService", "any", childOf(ingress)),
    [],
  ],
] as const) {
  test(`${who} is ${keys.length > 0 ? "" : "not "}looked at because of ${what}`, async () => {
    const wake = { start, config: defaultServingConfig, objects: [ingress, serverlessService] };
    assert.deepEqual(await keysWokenBy({ ...wake, change: (informers) => informers.put(object) }), keys);
  });
}
