/** Headers by which Knative's parts talk to each other. Source: knative.dev/networking pkg/http/header, as serving v0.42.2 requires it. */
export const hashHeader = "K-Network-Hash";
/** The value that asks the gateway to answer with the hash of its configuration. */
export const hashOverride = "override";
export const probeHeader = "K-Network-Probe";
export const probeValue = "probe";
export const originalHostHeader = "K-Original-Host";
export const routeTagHeader = "Knative-Serving-Tag";
export const defaultRouteHeader = "Knative-Serving-Default-Route";
export const passthroughHeader = "K-Passthrough-Lb";
export const revisionHeader = "Knative-Serving-Revision";
export const revisionNamespaceHeader = "Knative-Serving-Namespace";
export const ingressProbeUserAgent = "Knative-Ingress-Probe";
