/** The group of Istio's traffic kinds. */
export const istioNetworkingGroup = "networking.istio.io";
