import { randomUUID } from "node:crypto";
import { serviceNameLabel } from "../../apis/core/endpointslice.ts";
import type { KubeObject } from "../../apis/meta.ts";
import { isoTime } from "../../lib/iso-time.ts";
import type { Api } from "./call.ts";
import { isDeepEqual } from "./typed-values.ts";

const address = "10.96.0.1";

/** Keeps the Service "kubernetes" in namespace default, by which programs in pods find this server. */
export async function publishKubernetesService(api: Api, host: string, port: number): Promise<void> {
  const ports = [{ name: "https", port, protocol: "TCP" }];
  const objects: readonly [resource: string, object: Omit<KubeObject, "metadata">, labels: Record<string, string>][] = [
    [
      "services",
      {
        apiVersion: "v1",
        kind: "Service",
        spec: {
          clusterIP: address,
          clusterIPs: [address],
          internalTrafficPolicy: "Cluster",
          ipFamilies: ["IPv4"],
          ipFamilyPolicy: "SingleStack",
          ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
          sessionAffinity: "None",
          type: "ClusterIP",
        },
        status: { loadBalancer: {} },
      } as Omit<KubeObject, "metadata">,
      { component: "apiserver", provider: "kubernetes" },
    ],
    [
      "endpoints",
      { apiVersion: "v1", kind: "Endpoints", subsets: [{ addresses: [{ ip: host }], ports }] } as Omit<
        KubeObject,
        "metadata"
      >,
      { "endpointslice.kubernetes.io/skip-mirror": "true" },
    ],
    [
      "discovery.k8s.io/endpointslices",
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        addressType: "IPv4",
        endpoints: [{ addresses: [host], conditions: { ready: true } }],
        ports,
      } as Omit<KubeObject, "metadata">,
      { [serviceNameLabel]: "kubernetes" },
    ],
  ];
  await api.storage.write((transaction) => {
    for (const [resource, { apiVersion, kind, ...content }, labels] of objects) {
      const current = transaction.get(resource, "default", "kubernetes")?.object;
      const fresh = {
        name: "kubernetes",
        namespace: "default",
        uid: randomUUID(),
        creationTimestamp: isoTime(api.clock.now()),
        labels,
      };
      const wanted: KubeObject = { apiVersion, kind, metadata: current?.metadata ?? fresh, ...content };
      if (!isDeepEqual(current, wanted)) transaction.put(resource, wanted);
    }
  });
}
