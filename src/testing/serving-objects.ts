import type { Condition } from "../apis/conditions.ts";
import { controllerReference, type KubeObject, type ObjectMeta } from "../apis/meta.ts";
import type { Configuration } from "../apis/serving/configuration.ts";
import {
  configurationGenerationLabel,
  configurationLabel,
  configurationUidLabel,
  serviceLabel,
  serviceUidLabel,
} from "../apis/serving/labels.ts";
import type { Revision } from "../apis/serving/revision.ts";
import type { Route } from "../apis/serving/route.ts";
import type { KnativeService } from "../apis/serving/service.ts";

/** Fields that differ from those of the plainest object; `metadata` is joined, the rest replaced. */
export type Overrides<T extends KubeObject> = Partial<Omit<T, "metadata">> & { metadata?: Partial<ObjectMeta> };

const apiVersion = "serving.knative.dev/v1";
const since = "2023-12-31T00:00:00Z";
const readinessProbe = { tcpSocket: { port: 0 }, successThreshold: 1 };
const container = { name: "user-container", image: "ghcr.io/acme/app:v1", readinessProbe };
const template = { spec: { containers: [container], timeoutSeconds: 300, containerConcurrency: 0 } };

/** A Service "hello" in namespace "ns", as admission leaves it. */
export function testService(overrides: Overrides<KnativeService> = {}): KnativeService {
  return object("Service", "hello", overrides, {
    spec: { template, traffic: [{ latestRevision: true, percent: 100 }] },
  });
}

/** The Configuration of testService, at generation 1 and observed. */
export function testConfiguration(overrides: Overrides<Configuration> = {}): Configuration {
  const owner = testService();
  return object("Configuration", "hello", overrides, {
    metadata: {
      labels: { [serviceLabel]: "hello", [serviceUidLabel]: owner.metadata.uid! },
      annotations: { "serving.knative.dev/routes": "hello" },
      ownerReferences: [controllerReference(owner)],
    },
    spec: { template },
    status: { observedGeneration: 1 },
  });
}

/** The Route of testService, at generation 1 and observed. */
export function testRoute(overrides: Overrides<Route> = {}): Route {
  return object("Route", "hello", overrides, {
    metadata: { labels: { [serviceLabel]: "hello" }, ownerReferences: [controllerReference(testService())] },
    spec: { traffic: [{ configurationName: "hello", latestRevision: true, percent: 100 }] },
    status: { observedGeneration: 1 },
  });
}

/** The Revision of a generation of testConfiguration, observed. */
export function testRevision(generation: number, overrides: Overrides<Revision> = {}): Revision {
  const owner = testConfiguration();
  return object("Revision", `hello-${String(generation).padStart(5, "0")}`, overrides, {
    metadata: {
      labels: {
        [configurationLabel]: "hello",
        [configurationGenerationLabel]: String(generation),
        [configurationUidLabel]: owner.metadata.uid!,
        [serviceLabel]: "hello",
      },
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec,
    status: { observedGeneration: 1 },
  });
}

/** A status whose conditions are these: "Ready" and so on, by their status and, if not true, their reason and message. */
export function conditions(
  states: Readonly<
    Record<string, "True" | "Unknown" | readonly [status: "False" | "Unknown", reason: string, message?: string]>
  >,
): { observedGeneration: number; conditions: Condition[] } {
  const list = Object.entries(states).map(([type, state]): Condition => {
    if (typeof state === "string") return { type, status: state, lastTransitionTime: since };
    const [status, reason, message] = state;
    return { type, status, reason, ...(message !== undefined && { message }), lastTransitionTime: since };
  });
  return { observedGeneration: 1, conditions: list };
}

/** Conditions as one line each, sorted: `Ready=False NotOwned: There is ...`. */
export function linesOf(list: readonly Condition[] | undefined): string[] {
  return (list ?? [])
    .map(
      ({ type, status, reason, message }) =>
        `${type}=${status}${reason ? ` ${reason}` : ""}${message ? `: ${message}` : ""}`,
    )
    .sort();
}

function object<T extends KubeObject>(kind: string, name: string, overrides: Overrides<T>, plain: Overrides<T>): T {
  const { metadata, ...rest } = overrides;
  const { metadata: plainMetadata, ...plainRest } = plain;
  return {
    apiVersion,
    kind,
    ...plainRest,
    ...rest,
    metadata: {
      name,
      namespace: "ns",
      uid: `uid-${kind}-${metadata?.name ?? name}`,
      generation: 1,
      resourceVersion: "1",
      creationTimestamp: since,
      ...plainMetadata,
      ...metadata,
    },
  } as unknown as T;
}
