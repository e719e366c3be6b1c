import type { Service } from "../apis/core/service.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { Ingress } from "../apis/networking/ingress.ts";
import type { ConfigData } from "../config/fields.ts";
import { parseServingConfig } from "../config/serving-config.ts";
import { linesOf } from "../testing/serving-objects.ts";
import { reconcileOnce, type World } from "../testing/table.ts";
import { ingressReconciler } from "./reconcile.ts";

export type Rule = NonNullable<Ingress["spec"]["rules"]>[number];

export const split = {
  serviceName: "rev",
  serviceNamespace: "ns",
  servicePort: 80,
  percent: 100,
  appendHeaders: { "Knative-Serving-Revision": "rev" },
};
export const localRule: Rule = {
  hosts: ["app.ns", "app.ns.svc", "app.ns.svc.cluster.local"],
  visibility: "ClusterLocal",
  http: { paths: [{ splits: [split] }] },
};
export const publicRule: Rule = {
  hosts: ["app.ns.example.com"],
  visibility: "ExternalIP",
  http: { paths: [{ splits: [split] }] },
};

export function makeIngress(spec: Ingress["spec"], metadata: Partial<Ingress["metadata"]> = {}): Ingress {
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Ingress",
    metadata: {
      name: "app",
      namespace: "ns",
      uid: "u1",
      generation: 1,
      labels: { "serving.knative.dev/route": "app", team: "blue" },
      annotations: { "networking.knative.dev/ingress.class": "istio.ingress.networking.knative.dev" },
      ...metadata,
    },
    spec,
  };
}

export const rowOf = (
  ingress: Ingress,
  objects: readonly KubeObject[] = [],
  isProven = true,
  istio: ConfigData = {},
) => ({
  ...ingressReconciler,
  key: "ns/app",
  objects: [ingress, ...objects],
  config: parseServingConfig({ "config-istio": istio }),
  deps: (world: World) => ingressReconciler.deps(world, { isProven: () => isProven, forget: () => {} }),
});
export const run = (...parameters: Parameters<typeof rowOf>) => reconcileOnce(rowOf(...parameters));

export function statusOf({ statusUpdates }: { readonly statusUpdates: readonly KubeObject[] }) {
  const { status } = statusUpdates[0] as Ingress;
  return { ...status, lines: linesOf(status?.conditions) };
}

export const gatewayService = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "istio-ingressgateway", namespace: "istio-system", labels: { istio: "ingressgateway" } },
  spec: {
    selector: { istio: "ingressgateway" },
    ports: [
      { name: "http2", port: 80, targetPort: 8080 },
      { name: "https", port: 443, targetPort: 8443 },
    ],
  },
} as unknown as Service;
