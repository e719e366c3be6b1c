/** The container `controlplane`: admission webhooks and all reconcilers but the autoscaler's. */
import { readFile } from "node:fs/promises";
import { Secret } from "../apis/core/secret.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import { startIngressController } from "../istio/controller.ts";
import { startGatewayCertificateController } from "../istio/gateway-certificate/controller.ts";
import { startPodAddressabilityController } from "../istio/pod-addressability/controller.ts";
import type { Controller, ControllerContext } from "../kube/controller.ts";
import { startConfigurationController } from "../reconcilers/configuration/controller.ts";
import { startDomainMappingController } from "../reconcilers/domainmapping/controller.ts";
import { startGcController } from "../reconcilers/gc/controller.ts";
import { startLabelerController } from "../reconcilers/labeler/controller.ts";
import { startRevisionController } from "../reconcilers/revision/controller.ts";
import { startRouteController } from "../reconcilers/route/controller.ts";
import { startServerlessServiceController } from "../reconcilers/serverlessservice/controller.ts";
import { startServiceController } from "../reconcilers/service/controller.ts";
import { admissionPaths } from "../webhook/admission.ts";
import { followCertificate } from "../webhook/certificate-source.ts";
import { startCertificatesController, webhookSecretName, webhookSecretSelection } from "../webhook/certificates.ts";
import { startWebhookConfigurationControllers } from "../webhook/configurations.ts";
import { createWebhookMetrics } from "../webhook/metrics.ts";
import { startWebhookServer } from "../webhook/server.ts";
import { registryAuthorities } from "./authorities.ts";
import { portFrom, tlsMinVersionFrom } from "./environment.ts";
import { startLeadership } from "./leadership.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { startPodProgram, terminated } from "./pod-program.ts";
import { startProfilingServer } from "./profiling-server.ts";
import { createTrialPod } from "./trial-pod.ts";

/** What the Service "webhook" leads to. */
const webhookPort = 8443;

const program = await startPodProgram("hakn-serving");
const { log } = program;
const stopMetrics = await startMetricsServer(
  program.registry,
  program.listenAt(portFrom("METRICS_PROMETHEUS_PORT", 9030)),
);
const profiling = await startProfilingServer(
  program.listenAt(portFrom("PROFILING_PORT", 8010)),
  () => program.context.config.current().observability.enableProfiling,
  program.context.clock,
);

const { client, informers, config, clock } = program.context;

// Admission is answered from the first moment: it needs the configuration, but no warm caches and no leadership.
const secrets = informers.of(Secret, webhookSecretSelection(program.namespace));
const draining = new AbortController();
const webhooksAt = program.listenAt(webhookPort);
const webhooks = await startWebhookServer({
  address: webhooksAt.host,
  port: webhooksAt.port,
  certificates: followCertificate(secrets, { namespace: program.namespace, name: webhookSecretName }, log),
  paths: admissionPaths({
    config: () => config.current(),
    createPodForTrial: (revision) => createTrialPod(client, revision, config.current()),
  }),
  metrics: createWebhookMetrics(program.registry, "hakn_serving_"),
  clock,
  log,
  tlsMinVersion: tlsMinVersionFrom("WEBHOOK_TLS_MIN_VERSION", "TLSv1.3"),
  signal: draining.signal,
});

const leadership = await startLeadership(program, "hakn-serving", portFrom("PEER_PORT", 9040));
const context: ControllerContext<ServingConfig> = { ...program.context, ownership: leadership.ownership };
const controllers: Controller[] = [
  startCertificatesController(context, program.namespace),
  ...startWebhookConfigurationControllers(context, program.namespace),
  startServiceController(context),
  startConfigurationController(context),
  startRevisionController(context, {
    installation: {
      systemNamespace: program.namespace,
      metricsDomain: process.env["METRICS_DOMAIN"] || "chainguard.dev/hakn",
    },
    registries: {
      userAgent: "knative/hakn (serving)",
      tlsMinVersion: tlsMinVersionFrom("TAG_TO_DIGEST_TLS_MIN_VERSION", "TLSv1.2"),
      ca: registryAuthorities(process.env),
      proxy: proxyFrom(process.env),
    },
    surroundings: { env: process.env, readFile: (path) => readFile(path, "utf8") },
  }),
  startRouteController(context),
  startLabelerController(context),
  startGcController(context),
  startServerlessServiceController(context),
  startDomainMappingController(context),
  startIngressController(context),
  startPodAddressabilityController(context),
  startGatewayCertificateController(context),
];
log.info("the control plane runs");

const ended = await terminated();
log.info(`received ${ended}: handing over`);
draining.abort();
await leadership.release();
await webhooks.done;
program.stop();
await Promise.all(controllers.map(({ done }) => done));
stopMetrics();
profiling.stop();
client.close();

function proxyFrom(environment: NodeJS.ProcessEnv): { httpProxy?: string; httpsProxy?: string; noProxy?: string } {
  const value = (name: string) => environment[name.toLowerCase()] || environment[name];
  const [httpProxy, httpsProxy, noProxy] = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].map(value);
  return { ...(httpProxy && { httpProxy }), ...(httpsProxy && { httpsProxy }), ...(noProxy && { noProxy }) };
}
