/** The container `autoscaler`: collects load, decides and applies scale. */
import { createAutoscalerMetrics } from "../autoscaler/metrics.ts";
import { startAutoscalerServer } from "../autoscaler/server.ts";
import { startAutoscaler } from "../autoscaler/start.ts";
import { startLeadership } from "./leadership.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { portFrom, startPodProgram, terminated } from "./pod-program.ts";

const program = await startPodProgram("autoscaler");
const { log } = program;
const stopMetrics = await startMetricsServer(
  program.registry,
  program.listenAt(portFrom("METRICS_PROMETHEUS_PORT", 9031)),
);

const leadership = await startLeadership(program, "autoscaler", portFrom("PEER_PORT", 9041));
const { ownership } = leadership;
const autoscaler = startAutoscaler(
  { ...program.context, ownership },
  createAutoscalerMetrics(program.registry),
  program.locate,
);
const server = await startAutoscalerServer(program.listenAt(8080), autoscaler.multiScaler);
log.info("the autoscaler runs");

const signal = await terminated();
log.info(`received ${signal}: handing over`);
server.drain();
await leadership.release();
program.stop();
await autoscaler.done;
await server.close();
stopMetrics();
program.context.client.close();
