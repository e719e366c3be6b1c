/** The application protocol of a revision's container. */
export type ProtocolType = "http1" | "h2c";

/** Ports of the Services of a revision. Source of all ports here: knative.dev/networking and serving v0.42.2 pkg/networking. */
export const serviceHttpPort = 80;
const serviceHttp2Port = 81;
export const serviceHttpsPort = 443;

/** Ports of queue-proxy. */
export const backendHttpPort = 8012;
export const backendHttp2Port = 8013;
export const backendHttpsPort = 8112;
export const queueAdminPort = 8022;
export const autoscalingMetricsPort = 9090;
export const userMetricsPort = 9091;

export const autoscalingMetricsPortName = "http-autometric";
export const userMetricsPortName = "http-usermetric";
export const queueAdminPortName = "http-queueadm";

/** The `appProtocol` of ports that speak HTTP/2 without TLS. */
export const appProtocolH2c = "kubernetes.io/h2c";

/** The port of a revision's public Service. */
export function servicePort(protocol: string): number {
  return protocol === "h2c" ? serviceHttp2Port : serviceHttpPort;
}

export function servicePortName(protocol: string): string {
  return protocol === "h2c" ? "http2" : "http";
}

/** The port at which queue-proxy takes requests of this protocol. */
export function backendPort(protocol: string): number {
  return protocol === "h2c" ? backendHttp2Port : backendHttpPort;
}
