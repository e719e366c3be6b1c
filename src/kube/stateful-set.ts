/** What upstream's StatefulSet mode tells a replica by its environment. */
export interface StatefulSetEnvironment {
  /** STATEFUL_CONTROLLER_ORDINAL: the pod's name, such as "controlplane-0". */
  readonly pod: string;
  /** STATEFUL_SERVICE_NAME */
  readonly serviceName: string;
  /** STATEFUL_SERVICE_PORT; "80" unless told. */
  readonly port?: string;
  /** STATEFUL_SERVICE_PROTOCOL; "http" unless told. */
  readonly protocol?: string;
  readonly namespace: string;
  readonly clusterDomain: string;
}

export interface StatefulSetIdentity {
  readonly ordinal: number;
  /** Upstream's names of the buckets in this mode: one address for each ordinal. */
  bucketNames(count: number): readonly string[];
  /** The ordinal of a pod of this StatefulSet. */
  ordinalOf(pod: string): number | undefined;
}

/** Reads the environment of StatefulSet mode. Throws when the pod's name has no ordinal. Source: knative.dev/pkg leaderelection. */
export function parseStatefulSet(environment: StatefulSetEnvironment): StatefulSetIdentity {
  const { pod, serviceName, port = "80", protocol = "http", namespace, clusterDomain } = environment;
  const match = /^(.+)-(\d+)$/.exec(pod);
  if (!match) throw new Error(`STATEFUL_CONTROLLER_ORDINAL: "${pod}" is not the name of a StatefulSet's pod`);
  const [, name, ordinal] = match;
  const address = (at: number) =>
    `${protocol}://${name}-${at}.${serviceName}.${namespace}.svc.${clusterDomain}:${port}`;
  return {
    ordinal: Number(ordinal),
    bucketNames: (count) => Array.from({ length: count }, (_, at) => address(at)),
    ordinalOf(other) {
      const found = /^(.+)-(\d+)$/.exec(other);
      return found?.[1] === name ? Number(found?.[2]) : undefined;
    },
  };
}
