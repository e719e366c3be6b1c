/** The container `controlplane`: admission webhooks and all reconcilers but the autoscaler's. */
import { readFileSync } from "node:fs";
import type { ServingConfig } from "../config/serving-config.ts";
import type { Controller, ControllerContext } from "../kube/controller.ts";
import { startConfigurationController } from "../reconcilers/configuration/controller.ts";
import { startGcController } from "../reconcilers/gc/controller.ts";
import { startLabelerController } from "../reconcilers/labeler/controller.ts";
import { startRevisionController } from "../reconcilers/revision/controller.ts";
import { startRouteController } from "../reconcilers/route/controller.ts";
import { startServerlessServiceController } from "../reconcilers/serverlessservice/controller.ts";
import { startServiceController } from "../reconcilers/service/controller.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { portFrom, startPodProgram, terminated } from "./pod-program.ts";

const program = await startPodProgram("hakn-serving");
const { log } = program;
const stopMetrics = await startMetricsServer(
  program.registry,
  program.address,
  portFrom("METRICS_PROMETHEUS_PORT", 9030),
);

const ownership = { owns: () => true, onGained: () => () => {} };
const context: ControllerContext<ServingConfig> = { ...program.context, ownership };
const controllers: Controller[] = [
  startServiceController(context),
  startConfigurationController(context),
  startRevisionController(context, {
    installation: {
      systemNamespace: program.namespace,
      metricsDomain: process.env["METRICS_DOMAIN"] || "chainguard.dev/hakn",
    },
    registries: {
      userAgent: "knative/hakn (serving)",
      tlsMinVersion: process.env["TAG_TO_DIGEST_TLS_MIN_VERSION"] === "1.3" ? "TLSv1.3" : "TLSv1.2",
      ca: clusterAuthority(),
      proxy: proxyFrom(process.env),
    },
  }),
  startRouteController(context),
  startLabelerController(context),
  startGcController(context),
  startServerlessServiceController(context),
];
log.info("the control plane runs");

const signal = await terminated();
log.info(`received ${signal}: handing over`);
program.stop();
await Promise.all(controllers.map(({ done }) => done));
stopMetrics();
program.context.client.close();

/** Registries inside the cluster may have certificates of the cluster's own authority. */
function clusterAuthority(): string[] {
  const path = `${process.env["HAKN_ROOT"] ?? ""}/var/run/secrets/kubernetes.io/serviceaccount/ca.crt`;
  try {
    return [readFileSync(path, "utf8")];
  } catch {
    return [];
  }
}

function proxyFrom(environment: NodeJS.ProcessEnv): { httpProxy?: string; httpsProxy?: string; noProxy?: string } {
  const value = (name: string) => environment[name.toLowerCase()] || environment[name];
  const [httpProxy, httpsProxy, noProxy] = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].map(value);
  return { ...(httpProxy && { httpProxy }), ...(httpsProxy && { httpsProxy }), ...(noProxy && { noProxy }) };
}
