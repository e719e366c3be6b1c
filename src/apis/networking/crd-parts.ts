import { servingCrdLabels } from "../serving/crd-parts.ts";

/** Labels of the CRDs of the networking group. */
export const networkingCrdLabels = { ...servingCrdLabels, "app.kubernetes.io/component": "networking" } as const;
