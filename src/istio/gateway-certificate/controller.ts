import { Secret } from "../../apis/core/secret.ts";
import { istioNamespace } from "../../config/istio.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { type Controller, type ControllerContext, startController } from "../../kube/controller.ts";
import { reconcileGatewayCertificate } from "./reconcile.ts";

/** Keeps the certificate of the shared gateway in `istio-system/tls-cert`, where somebody made that Secret. */
export function startGatewayCertificateController(context: ControllerContext<ServingConfig>): Controller {
  return startController(context, {
    name: "gateway-certificate-controller",
    kind: Secret,
    selection: { namespace: istioNamespace, fieldSelector: "metadata.name=tls-cert" },
    reconcile: reconcileGatewayCertificate,
    deps: { secretClient: context.client.of(Secret) },
  });
}
