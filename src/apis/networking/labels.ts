/**
 * Well-known labels and annotations of the networking groups. Where there are several keys, the first one wins.
 * Source: knative.dev/networking pkg/apis/networking, as serving v0.42.2 requires it.
 */
export const networkingInternalGroup = "networking.internal.knative.dev";

export const certificateUidLabel = "networking.internal.knative.dev/certificate-uid";
export const ingressLabel = "networking.internal.knative.dev/ingress";
export const serverlessServiceLabel = "networking.internal.knative.dev/serverlessservice";
/** Tells public from private Kubernetes Services of a ServerlessService: Public or Private. */
export const serviceTypeLabel = "networking.internal.knative.dev/serviceType";
export const originSecretNameLabel = "networking.internal.knative.dev/originSecretName";
export const originSecretNamespaceLabel = "networking.internal.knative.dev/originSecretNamespace";
/** The state of a gradual rollout, kept on the Ingress. */
export const rolloutAnnotation = "networking.internal.knative.dev/rollout";

export const ingressClassAnnotations = [
  "networking.knative.dev/ingress.class",
  "networking.knative.dev/ingress-class",
] as const;
export const certificateClassAnnotations = [
  "networking.knative.dev/certificate.class",
  "networking.knative.dev/certificate-class",
] as const;
export const disableExternalDomainTlsAnnotations = [
  "networking.knative.dev/disableAutoTLS",
  "networking.knative.dev/disable-auto-tls",
  "networking.knative.dev/disable-external-domain-tls",
] as const;
export const httpProtocolAnnotations = [
  "networking.knative.dev/httpOption",
  "networking.knative.dev/http-protocol",
] as const;
export const wildcardDomainLabel = "networking.knative.dev/wildcardDomain";
/** "cluster-local" keeps a Service, Route or Kubernetes Service inside the cluster. */
export const visibilityLabel = "networking.knative.dev/visibility";
export const certificateTypeLabel = "networking.knative.dev/certificate-type";
