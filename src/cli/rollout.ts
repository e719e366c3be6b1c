import { conditionOf } from "../apis/conditions.ts";
import { apiVersionOf } from "../apis/kind.ts";
import { KnativeService } from "../apis/serving/service.ts";
import type { Client } from "../kube/api.ts";
import { ConnectionError } from "../kube/errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { Deployed, DeployOptions, Progress } from "./actions.ts";
import { UserError } from "./errors.ts";
import { isCurrent, reachableUrl } from "./services.ts";

const pollMs = 100;

/** Runs an image as a Knative Service, or rolls it out to the one that is there; waits for it if asked to. */
export async function rollOut(
  client: Client,
  image: string,
  name: string,
  options: DeployOptions,
  gatewayUrl: string,
  clock: Clock,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Deployed> {
  const { namespace } = options;
  const services = client.of(KnativeService);
  const env = Object.entries(options.env).map(([variable, value]) => ({ name: variable, value }));
  progress.step(`applying Service ${namespace}/${name}`);
  const deadline = clock.monotonic() + options.timeoutMs;
  const body = {
    apiVersion: apiVersionOf(KnativeService),
    kind: KnativeService.kind,
    metadata: { name, namespace },
    spec: { template: { spec: { containers: [{ image, ...(env.length > 0 && { env }) }] } } },
  };
  let service = await untilAnswered(deadline, clock, signal, () =>
    services.patch({ namespace, name }, { type: "apply", force: true, body }, { fieldManager: "hakn-deploy" }),
  );
  const wantedGeneration = service.metadata.generation ?? 0;
  while (options.wait && !isReady(service, wantedGeneration)) {
    if (clock.monotonic() > deadline) throw new UserError(notReady(service, options.timeoutMs));
    const ready = conditionOf(service, "Ready");
    progress.step(`waiting for ${name}${ready?.reason ? `: ${ready.message || ready.reason}` : ""}`);
    await clock.sleep(pollMs, signal);
    service = await untilAnswered(deadline, clock, signal, () => services.get({ namespace, name }));
  }
  return {
    name,
    namespace,
    image,
    url: service.status?.url ? reachableUrl(service.status.url, gatewayUrl) : "",
    revision: service.status?.latestReadyRevisionName ?? service.status?.latestCreatedRevisionName ?? "",
    ready: isReady(service, wantedGeneration),
  };
}

/** Asks again while the API server cannot be reached: it may be starting anew. Both requests are safe to repeat. */
async function untilAnswered<T>(
  deadline: number,
  clock: Clock,
  signal: AbortSignal | undefined,
  ask: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ConnectionError) || clock.monotonic() > deadline) throw error;
      await clock.sleep(pollMs, signal);
    }
  }
}

function isReady(service: KnativeService, generation: number): boolean {
  return (
    isCurrent(service) &&
    (service.metadata.generation ?? 0) >= generation &&
    conditionOf(service, "Ready")?.status === "True"
  );
}

function notReady(service: KnativeService, timeoutMs: number): string {
  const { namespace, name } = service.metadata;
  const ready = conditionOf(service, "Ready");
  const why = ready?.message || ready?.reason || "nothing is known of it yet";
  return (
    `Service ${namespace}/${name} is not ready after ${Math.round(timeoutMs / 1000)} s: ${why}\n` +
    `Look at it with: hakn logs ${name} -n ${namespace}; kubectl describe ksvc ${name} -n ${namespace}`
  );
}
