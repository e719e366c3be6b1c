/** The container `autoscaler`: collects load, decides and applies scale. */
import { createAutoscalerMetrics } from "../autoscaler/metrics.ts";
import { makeBucketNames } from "../autoscaler/replicas/bucket-names.ts";
import { startAutoscalerServer } from "../autoscaler/server.ts";
import { startAutoscaler } from "../autoscaler/start.ts";
import { portFrom } from "./environment.ts";
import { startLeadership } from "./leadership.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { startPodProgram, terminated } from "./pod-program.ts";
import { startProfilingServer } from "./profiling-server.ts";

const program = await startPodProgram("autoscaler");
const { log } = program;
const stopMetrics = await startMetricsServer(
  program.registry,
  program.listenAt(portFrom("METRICS_PROMETHEUS_PORT", 9031)),
);
const profiling = await startProfilingServer(
  program.listenAt(portFrom("PROFILING_PORT", 8011)),
  () => program.context.config.current().observability.enableProfiling,
  program.context.clock,
);

const port = 8080;
const announced = program.locate({ host: program.podIP, port });
const { buckets } = program.context.config.current().leaderElection;
const leadership = await startLeadership(program, "autoscaler", portFrom("PEER_PORT", 9041), {
  address: `${announced.host}:${announced.port}`,
  bucketNames: makeBucketNames(buckets),
});
const { ownership } = leadership;
const { peers, ownerOf, held } = ownership;
const metrics = createAutoscalerMetrics(program.registry);
const autoscaler = startAutoscaler({ ...program.context, ownership }, metrics, { peers, ownerOf }, program.locate);
const { multiScaler, replicas } = autoscaler;
const server = await startAutoscalerServer({
  at: program.listenAt(port),
  multiScaler,
  ownerAddress: replicas.ownerAddress,
  peerAddresses: () => peers().map(({ address }) => address),
  ownsBucket: (name) => held().includes(name),
  onStats: replicas.route,
  onMemoryLink: replicas.onMemoryLink,
  log,
});
log.info("the autoscaler runs");

const signal = await terminated();
log.info(`received ${signal}: handing over`);
server.drain();
replicas.flush();
await leadership.release();
program.stop();
await autoscaler.done;
await server.close();
stopMetrics();
profiling.stop();
program.context.client.close();
