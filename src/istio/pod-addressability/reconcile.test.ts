import assert from "node:assert/strict";
import { test } from "node:test";
import type { DestinationRule } from "../../apis/istio/destinationrule.ts";
import type { VirtualService } from "../../apis/istio/virtualservice.ts";
import type { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { parseServingConfig } from "../../config/serving-config.ts";
import { assertSurvivesFaults, settle } from "../../testing/settle.ts";
import { podAddressabilityReconciler } from "./reconcile.ts";

const sks: ServerlessService = {
  apiVersion: "networking.internal.knative.dev/v1alpha1",
  kind: "ServerlessService",
  metadata: { name: "rev", namespace: "ns", uid: "u1" },
  spec: { objectRef: { name: "rev-deployment" }, protocolType: "http1" },
  status: { privateServiceName: "rev-private" },
};

const rowOf = (isEnabled: boolean) => ({
  ...podAddressabilityReconciler,
  key: "ns/rev",
  objects: [sks],
  config: parseServingConfig({ "config-network": { "enable-mesh-pod-addressability": String(isEnabled) } }),
});

test("requests that ask for it pass the mesh straight to one pod, others by its load balancer", async () => {
  const { actions } = await settle(rowOf(true));
  const [service, rule] = actions.map(({ object }) => object) as [VirtualService, DestinationRule];
  assert.deepEqual(
    service.spec.http?.map(({ match, route }) => [match?.[0]?.headers, route?.[0]?.destination.subset]),
    [
      [{ "K-Passthrough-Lb": { exact: "true" } }, "direct"],
      [undefined, "normal"],
    ],
  );
  assert.deepEqual(
    rule.spec.subsets?.map(({ name, trafficPolicy }) => `${name} ${trafficPolicy?.loadBalancer?.simple}`),
    ["normal LEAST_REQUEST", "direct PASSTHROUGH"],
  );
  assert.equal(rule.spec.host, "rev-private.ns.svc.cluster.local");
});

test("nothing is made unless the configuration asks for it", async () => {
  assert.deepEqual((await settle(rowOf(false))).actions, []);
});

test("whatever error one write meets, both are there in the end", async () => {
  await assertSurvivesFaults(rowOf(true));
});
