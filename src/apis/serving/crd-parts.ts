import type { PrinterColumn } from "../kind.ts";

/** Labels of every CRD of the product. */
export const servingCrdLabels = {
  "app.kubernetes.io/name": "knative-serving",
  "knative.dev/crd-install": "true",
} as const;

/** The columns Ready and Reason of `kubectl get`. */
export const readyColumns: readonly PrinterColumn[] = [
  { name: "Ready", type: "string", jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: "Reason", type: "string", jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
];
