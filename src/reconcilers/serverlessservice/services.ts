import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service, ServicePort } from "../../apis/core/service.ts";
import { controllerReference, type ObjectMeta } from "../../apis/meta.ts";
import { serverlessServiceLabel, serviceTypeLabel } from "../../apis/networking/labels.ts";
import {
  appProtocolH2c,
  autoscalingMetricsPort,
  autoscalingMetricsPortName,
  backendHttpsPort,
  backendPort,
  queueAdminPort,
  queueAdminPortName,
  serviceHttpPort,
  serviceHttpsPort,
  servicePort,
  servicePortName,
  userMetricsPort,
  userMetricsPortName,
} from "../../apis/networking/ports.ts";
import type { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { childName } from "../../lib/child-name.ts";

type Subsets = NonNullable<Endpoints["subsets"]>;

/** The name of the Service that selects a revision's pods. Source of this file: serving v0.42.2 pkg/reconciler/serverlessservice/resources. */
export function privateServiceName(sks: ServerlessService): string {
  return childName(sks.metadata.name, "-private");
}

/** The Service that a revision is reached by. It selects nothing: its Endpoints are ours to keep. */
export function makePublicService(sks: ServerlessService): Service {
  const { protocolType } = sks.spec;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: makeMeta(sks, sks.metadata.name, "Public"),
    spec: { ports: [makePort(protocolType, servicePort(protocolType)), httpsPort] },
  };
}

/** The Service that selects a revision's pods; it also opens queue-proxy's own ports to a mesh. */
export function makePrivateService(sks: ServerlessService, selector: Readonly<Record<string, string>>): Service {
  const { protocolType } = sks.spec;
  const serving = backendPort(protocolType);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: makeMeta(sks, privateServiceName(sks), "Private"),
    spec: {
      ports: [
        makePort(protocolType, serviceHttpPort),
        httpsPort,
        { ...tcp(autoscalingMetricsPortName, autoscalingMetricsPort), targetPort: autoscalingMetricsPortName },
        { ...tcp(userMetricsPortName, userMetricsPort), targetPort: userMetricsPortName },
        // A mesh's sidecar blocks ports that no Service names; kubelet's stop hook has to reach this one.
        tcp(queueAdminPortName, queueAdminPort),
        // The pods' own port again, so that a mesh opens it for requests straight to a pod.
        tcp(`${servicePortName(protocolType)}-istio`, serving),
      ],
      selector: { ...selector },
    },
  };
}

/** The Endpoints of the public Service: the addresses of `source`, with the ports that serve requests. */
export function makePublicEndpoints(sks: ServerlessService, source: Endpoints): Endpoints {
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: makeMeta(sks, sks.metadata.name, "Public"),
    ...(source.subsets && source.subsets.length > 0 && { subsets: servingSubsets(sks, source.subsets) }),
  };
}

function servingSubsets(sks: ServerlessService, subsets: Subsets): Subsets {
  const serving = [backendPort(sks.spec.protocolType), backendHttpsPort];
  return subsets.map(({ ports, ...addresses }) => {
    const kept = ports?.filter(({ port }) => serving.includes(port)) ?? [];
    return { ...addresses, ...(kept.length > 0 && { ports: kept }) };
  });
}

function makeMeta(sks: ServerlessService, name: string, type: "Public" | "Private"): ObjectMeta {
  const { namespace, labels, annotations } = sks.metadata;
  return {
    name,
    namespace: namespace!,
    labels: { ...labels, [serverlessServiceLabel]: sks.metadata.name, [serviceTypeLabel]: type },
    ...(annotations && { annotations: { ...annotations } }),
    ownerReferences: [controllerReference(sks)],
  };
}

function makePort(protocolType: string, port: number): ServicePort {
  return {
    ...tcp(servicePortName(protocolType), port),
    ...(protocolType === "h2c" && { appProtocol: appProtocolH2c }),
    targetPort: backendPort(protocolType),
  };
}

const httpsPort: ServicePort = { ...tcp("https", serviceHttpsPort), targetPort: backendHttpsPort };

function tcp(name: string, port: number): ServicePort {
  return { name, protocol: "TCP", port, targetPort: port };
}
