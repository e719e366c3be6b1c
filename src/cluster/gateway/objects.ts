import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Service } from "../../apis/core/service.ts";
import type { KubeObject } from "../../apis/meta.ts";
import { appProtocolH2c } from "../../apis/networking/ports.ts";
import { istioNamespace } from "../../config/istio.ts";

/** Where the gateway listens: what each port of the Istio Gateways is in reality. */
export interface GatewayAddresses {
  readonly address: string;
  /** Gateway port 80. */
  readonly httpPort: number;
  /** Gateway port 443; undefined where TLS is off. */
  readonly httpsPort: number | undefined;
  /** Gateway port 8081: for requests from inside the cluster. */
  readonly localPort: number;
}

const gatewayLabels = { app: "istio-ingressgateway", istio: "ingressgateway" };

const publicName = "istio-ingressgateway";
const localName = "knative-local-gateway";

/**
 * The Services by which the control plane finds the gateway: `istio-ingressgateway`, which carries the label that the
 * Istio Gateways select, and `knative-local-gateway`. They select no pods, since the gateway is none; it keeps their
 * Endpoints itself.
 */
export function makeGatewayObjects(ports: { readonly httpsPort: number | undefined }): readonly KubeObject[] {
  return [
    makeService(publicName, gatewayLabels, [
      { name: "http2", port: 80, targetPort: 80 },
      ...(ports.httpsPort === undefined ? [] : [{ name: "https", port: 443, targetPort: 443 }]),
    ]),
    makeService(localName, {}, [{ name: "http2", port: 80, targetPort: 8081, appProtocol: appProtocolH2c }]),
  ];
}

/** The Endpoints of the Services of makeGatewayObjects: where the gateway really listens. */
export function makeGatewayEndpoints({
  address,
  httpPort,
  httpsPort,
  localPort,
}: GatewayAddresses): readonly Endpoints[] {
  return [
    makeEndpoints(publicName, gatewayLabels, address, [
      { name: "http2", port: httpPort },
      ...(httpsPort === undefined ? [] : [{ name: "https", port: httpsPort }]),
    ]),
    makeEndpoints(localName, {}, address, [{ name: "http2", port: localPort }]),
  ];
}

function makeService(
  name: string,
  labels: Record<string, string>,
  ports: NonNullable<Service["spec"]["ports"]>,
): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: istioNamespace, labels },
    spec: { type: "ClusterIP", ports: ports.map((port) => ({ protocol: "TCP", ...port })) },
  };
}

function makeEndpoints(
  name: string,
  labels: Record<string, string>,
  address: string,
  ports: readonly { readonly name: string; readonly port: number }[],
): Endpoints {
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, namespace: istioNamespace, labels },
    subsets: [{ addresses: [{ ip: address }], ports: ports.map((port) => ({ protocol: "TCP", ...port })) }],
  };
}
