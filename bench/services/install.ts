import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Endpoints } from "../../src/apis/core/endpoints.ts";
import { Namespace } from "../../src/apis/core/namespace.ts";
import type { Service } from "../../src/apis/core/service.ts";
import { makeCustomResourceDefinition } from "../../src/apis/crd.ts";
import { istioKinds } from "../../src/apis/kinds.ts";
import type { KubeObject } from "../../src/apis/meta.ts";
import { makeGatewayEndpoints, makeGatewayObjects } from "../../src/cluster/gateway/objects.ts";
import { inApplyOrder, readManifests, resolveImages } from "../../src/cluster/manifests.ts";
import { applyObjects } from "../../src/cluster/supervisor/apply.ts";
import { istioNamespace } from "../../src/config/istio.ts";
import type { Client } from "../../src/kube/api.ts";

const manifests = fileURLToPath(new URL("../../manifests", import.meta.url));
export const systemNamespace = "knative-serving";
const image = `example.com/image@sha256:${"0".repeat(64)}`;

export interface Places {
  /** The address of the control plane, which runs outside the cluster. */
  readonly controlPlane: string;
  readonly gateway: { readonly address: string; readonly port: number };
}

/** Applies our manifests, but for the StatefulSet, with Services that lead to where the control plane and the gateway are. */
export async function install(client: Client, { controlPlane, gateway }: Places): Promise<void> {
  const ours = [...readManifests(join(manifests, "crds")), ...readManifests(manifests)]
    .filter(({ kind }) => kind !== "StatefulSet" && kind !== "PodDisruptionBudget")
    .map((object) => resolveImages(object, { controlplane: image, autoscaler: image, "queue-proxy": image }));
  const services = ours.filter(isWithinControlPlane);
  const ports = { address: gateway.address, httpPort: gateway.port, httpsPort: undefined, localPort: gateway.port };
  const objects: KubeObject[] = [
    ...istioKinds.map((kind) => makeCustomResourceDefinition(kind) as KubeObject),
    ...[istioNamespace, "bench"].map((name) => ({ apiVersion: "v1", kind: Namespace.kind, metadata: { name } })),
    ...ours.map((object) => (isWithinControlPlane(object) ? withoutSelector(object) : object)),
    ...services.map((service) => endpointsOf(service, controlPlane)),
    ...makeGatewayObjects({ httpsPort: undefined }).filter(
      ({ metadata }) => !ours.some((object) => object.kind === "Service" && object.metadata.name === metadata.name),
    ),
    ...makeGatewayEndpoints(ports),
  ];
  await applyObjects(client, inApplyOrder(objects.map(withoutGatewaySelector)), "bench");
}

function isWithinControlPlane(object: KubeObject): object is Service {
  return object.kind === "Service" && object.metadata.namespace === systemNamespace;
}

function withoutSelector(service: Service): Service {
  const { selector: _, ...spec } = service.spec;
  return { ...service, spec };
}

/** The cluster would look for pods of the gateway's, and there are none. */
function withoutGatewaySelector(object: KubeObject): KubeObject {
  return object.kind === "Service" && object.metadata.namespace === istioNamespace
    ? withoutSelector(object as Service)
    : object;
}

function endpointsOf({ metadata: { name, namespace = "" }, spec }: Service, address: string): Endpoints {
  const ports = (spec.ports ?? []).map(({ name: port = "", port: number, targetPort }) => ({
    name: port,
    port: Number(targetPort ?? number),
    protocol: "TCP" as const,
  }));
  const isEmpty = name === "activator-service";
  return {
    apiVersion: "v1",
    kind: Endpoints.kind,
    metadata: { name, namespace },
    subsets: isEmpty ? [] : [{ addresses: [{ ip: address }], ports }],
  };
}
