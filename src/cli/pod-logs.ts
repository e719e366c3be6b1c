import { createInterface } from "node:readline";
import { Pod } from "../apis/core/pod.ts";
import { serviceLabel } from "../apis/serving/labels.ts";
import type { Client } from "../kube/api.ts";
import type { Transport } from "../kube/transport.ts";
import type { LogLine, LogOptions } from "./actions.ts";
import { UserError } from "./errors.ts";

/** Prints the logs of all pods of a Service. */
export async function printLogs(
  client: Client,
  transport: Pick<Transport, "open">,
  options: LogOptions,
  print: (line: LogLine) => void,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = options;
  const pods = await client.of(Pod).list({ namespace, labelSelector: `${serviceLabel}=${name}` });
  if (pods.items.length === 0) {
    throw new UserError(`there are no pods of a Service ${namespace}/${name}: see \`hakn status\``);
  }
  await Promise.all(
    pods.items.map(async (pod) => {
      const container = options.container ?? userContainerOf(pod);
      const parameters = new URLSearchParams({
        container,
        ...(options.follow && { follow: "true" }),
        ...(options.tail !== undefined && { tailLines: String(options.tail) }),
      });
      const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/log?${parameters}`;
      const response = await transport.open({ method: "GET", path, signal });
      const source = { pod: pod.metadata.name, container, alone: pods.items.length === 1 };
      try {
        for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
          print({ ...source, line });
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }),
  );
}

function userContainerOf(pod: Pod): string {
  return pod.spec.containers.find((container) => container.name !== "queue-proxy")?.name ?? "user-container";
}
