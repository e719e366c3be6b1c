import assert from "node:assert/strict";
import { test } from "node:test";
import { controllerReference, type KubeObject, type ObjectMeta } from "../apis/meta.ts";
import { defaultServingConfig, type ServingConfig } from "../config/serving-config.ts";
import { keysWokenBy, type Wake } from "../testing/wakes.ts";
import { startIngressController } from "./controller.ts";
import { startPodAddressabilityController } from "./pod-addressability/controller.ts";

const internal = "networking.internal.knative.dev/v1alpha1";
const istio = "networking.istio.io/v1beta1";
const make = (apiVersion: string, kind: string, name: string, metadata: Partial<ObjectMeta> = {}) =>
  ({ apiVersion, kind, metadata: { name, namespace: "ns", resourceVersion: "1", ...metadata } }) as KubeObject;
const ingress = make(internal, "Ingress", "hello", { uid: "1" });
const serverlessService = make(internal, "ServerlessService", "hello-00001", { uid: "2" });
const ownedBy = (owner: KubeObject) => ({ ownerReferences: [controllerReference(owner)] });

const startIngress: Wake<ServingConfig>["start"] = (context) =>
  startIngressController(context, async () => ({ status: 200, hash: undefined, text: "" }));

for (const [who, start, what, object, keys] of [
  [
    "an Ingress",
    startIngress,
    "its VirtualService",
    make(istio, "VirtualService", "any", ownedBy(ingress)),
    ["ns/hello"],
  ],
  ["an Ingress", startIngress, "its Gateway", make(istio, "Gateway", "any", ownedBy(ingress)), ["ns/hello"]],
  ["an Ingress", startIngress, "a VirtualService of nobody", make(istio, "VirtualService", "any"), []],
  [
    "a ServerlessService",
    startPodAddressabilityController,
    "its VirtualService",
    make(istio, "VirtualService", "any", ownedBy(serverlessService)),
    ["ns/hello-00001"],
  ],
  [
    "a ServerlessService",
    startPodAddressabilityController,
    "its DestinationRule",
    make(istio, "DestinationRule", "any", ownedBy(serverlessService)),
    ["ns/hello-00001"],
  ],
  [
    "a ServerlessService",
    startPodAddressabilityController,
    "an Ingress's VirtualService",
    make(istio, "VirtualService", "any", ownedBy(ingress)),
    [],
  ],
] as const) {
  test(`${who} is ${keys.length > 0 ? "" : "not "}looked at because of ${what}`, async () => {
    const wake = { start, config: defaultServingConfig, objects: [ingress, serverlessService] };
    assert.deepEqual(await keysWokenBy({ ...wake, change: (informers) => informers.put(object) }), keys);
  });
}
