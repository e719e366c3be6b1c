import { randomUUID } from "node:crypto";
import { type Leases, type LeasesConfig, startLeases } from "../kube/leases.ts";
import { createPeerWatcher, startPeerServer } from "../kube/peers.ts";
import { parseStatefulSet } from "../kube/stateful-set.ts";
import { clusterDomain } from "../lib/cluster-domain.ts";
import type { PodProgram } from "./pod-program.ts";

export interface Leadership {
  readonly ownership: Leases;
  /** Hands everything over to the other replicas; settles when they can have it. */
  release(): Promise<void>;
}

/** Makes this replica share the keys of `component` with the others. */
export async function startLeadership(
  program: PodProgram,
  component: string,
  peerPort: number,
  more: Pick<LeasesConfig, "address" | "bucketNames"> = {},
): Promise<Leadership> {
  const { client } = program;
  const { informers, config, clock, log } = program.context;
  const { leaderElection } = config.current();
  const instance = randomUUID();
  const peerServer = await startPeerServer(`${program.podName}_${instance}`, program.listenAt(peerPort));
  const announced = program.locate({ host: program.podIP, port: peerServer.port });
  const { STATEFUL_CONTROLLER_ORDINAL: pod, STATEFUL_SERVICE_NAME: serviceName } = process.env;
  const ownership = startLeases({
    client,
    informers,
    namespace: program.namespace,
    ...more,
    component,
    buckets: leaderElection.buckets,
    timing: leaderElection,
    leaseNamesPrefixMapping: leaderElection.leaseNamesPrefixMapping,
    pod: program.podName,
    instance,
    peerAddress: `${announced.host}:${announced.port}`,
    peers: createPeerWatcher(clock, log),
    ...(pod &&
      serviceName && {
        statefulSet: parseStatefulSet({
          pod,
          serviceName,
          ...(process.env["STATEFUL_SERVICE_PORT"] && { port: process.env["STATEFUL_SERVICE_PORT"] }),
          ...(process.env["STATEFUL_SERVICE_PROTOCOL"] && { protocol: process.env["STATEFUL_SERVICE_PROTOCOL"] }),
          namespace: program.namespace,
          clusterDomain,
        }),
      }),
    clock,
    log,
  });
  return {
    ownership,
    async release() {
      await ownership.release();
      await peerServer.close();
    },
  };
}
