import { DestinationRule } from "../../apis/istio/destinationrule.ts";
import { VirtualService } from "../../apis/istio/virtualservice.ts";
import { controllerReference, type ObjectMeta } from "../../apis/meta.ts";
import { passthroughHeader } from "../../apis/networking/headers.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, Writer } from "../../kube/api.ts";
import { serviceHostname } from "../../lib/cluster-domain.ts";
import { applyChild } from "../apply.ts";

/** What a revision's Services may read here, and what they may write. */
export interface Deps {
  readonly virtualServices: Lister<VirtualService>;
  readonly virtualServiceClient: Writer<VirtualService>;
  readonly destinationRules: Lister<DestinationRule>;
  readonly destinationRuleClient: Writer<DestinationRule>;
}

export const podAddressabilityReconciler = {
  kind: ServerlessService,
  reconcile: reconcilePodAddressability,
  deps: ({ client, informers }: ClusterAccess) => ({
    virtualServices: informers.of(VirtualService),
    virtualServiceClient: client.of(VirtualService),
    destinationRules: informers.of(DestinationRule),
    destinationRuleClient: client.of(DestinationRule),
  }),
};

/**
 * Lets requests inside a mesh reach one pod of a revision by its address, where the configuration wants that: so the
 * autoscaler can ask every pod. Source: net-istio v0.42.1 pkg/reconciler/serverlessservice.
 */
async function reconcilePodAddressability(
  sks: ServerlessService,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<ServerlessService>> {
  const service = sks.status?.privateServiceName;
  if (!pass.config.network.enableMeshPodAddressability || !service) return {};
  await applyChild(sks, makeVirtualService(sks, service), deps.virtualServices, deps.virtualServiceClient, pass);
  await applyChild(sks, makeDestinationRule(sks, service), deps.destinationRules, deps.destinationRuleClient, pass);
  return {};
}

/** Sends requests that ask for it straight to the pod that they name. */
function makeVirtualService(sks: ServerlessService, service: string): VirtualService {
  const host = hostOf(sks, service);
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: makeMeta(sks, service),
    spec: {
      hosts: [host],
      http: [
        {
          match: [{ headers: { [passthroughHeader]: { exact: "true" } } }],
          route: [{ destination: { host, subset: "direct" } }],
        },
        { route: [{ destination: { host, subset: "normal" } }] },
      ],
    },
  };
}

function makeDestinationRule(sks: ServerlessService, service: string): DestinationRule {
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "DestinationRule",
    metadata: makeMeta(sks, service),
    spec: {
      host: hostOf(sks, service),
      subsets: [
        { name: "normal", trafficPolicy: { loadBalancer: { simple: "LEAST_REQUEST" } } },
        { name: "direct", trafficPolicy: { loadBalancer: { simple: "PASSTHROUGH" } } },
      ],
    },
  };
}

function hostOf(sks: ServerlessService, service: string): string {
  return serviceHostname(service, sks.metadata.namespace!);
}

function makeMeta(sks: ServerlessService, service: string): ObjectMeta {
  return { name: service, namespace: sks.metadata.namespace!, ownerReferences: [controllerReference(sks)] };
}
