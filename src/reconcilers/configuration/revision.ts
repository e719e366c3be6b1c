import { apiVersionOf } from "../../apis/kind.ts";
import { controllerReference } from "../../apis/meta.ts";
import type { Configuration } from "../../apis/serving/configuration.ts";
import {
  configurationGenerationLabel,
  configurationLabel,
  configurationUidLabel,
  creatorAnnotation,
  lastModifierAnnotation,
  routesAnnotation,
  routingStateLabel,
  routingStateModifiedAnnotation,
  serviceLabel,
  serviceUidLabel,
} from "../../apis/serving/labels.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { timestamp } from "../../apis/serving/routing-state.ts";
import { childName } from "../../lib/child-name.ts";

/**
 * The Revision of a Configuration's present generation. It starts as pending, until the labeler has seen it, or as
 * active where a Route refers to the Configuration.
 * Source: serving v0.42.2 pkg/reconciler/configuration/resources/revision.go.
 */
export function makeRevision(configuration: Configuration, nowMs: number): Revision {
  const { template } = configuration.spec;
  const { annotations: own = {}, generation = 0 } = configuration.metadata;
  const creator = own[lastModifierAnnotation];
  const routes = own[routesAnnotation];
  const pending = withRoutingState(template.metadata ?? {}, "pending", nowMs);
  const { labels, annotations } = routes === undefined ? pending : withRoutingState(pending, "active", nowMs);
  return {
    apiVersion: apiVersionOf(Revision),
    kind: Revision.kind,
    metadata: {
      ...template.metadata,
      name: template.metadata?.name || revisionName(configuration, generation),
      namespace: configuration.metadata.namespace ?? "",
      labels: { ...labels, ...revisionLabels(configuration) },
      annotations: {
        ...annotations,
        ...(creator !== undefined && { [creatorAnnotation]: creator }),
        ...(routes !== undefined && { [routesAnnotation]: routes }),
      },
      ownerReferences: [...(template.metadata?.ownerReferences ?? []), controllerReference(configuration)],
    },
    spec: template.spec,
  };
}

/** Labels that tell which Configuration (at which generation) and which Service a Revision comes from. */
function revisionLabels(configuration: Configuration): Record<string, string> {
  const { name, uid, labels, generation = 0 } = configuration.metadata;
  const values: [string, string | undefined][] = [
    [configurationLabel, name],
    [serviceLabel, labels?.[serviceLabel]],
    [configurationGenerationLabel, String(generation)],
    [configurationUidLabel, uid],
    [serviceUidLabel, labels?.[serviceUidLabel]],
  ];
  return Object.fromEntries(values.filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** The name that the Revision of a generation gets where the user gives none. */
function revisionName(configuration: Configuration, generation: number): string {
  return childName(configuration.metadata.name, `-${String(generation).padStart(5, "0")}`);
}

interface Marks {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The time stays where the state does. */
function withRoutingState({ labels, annotations }: Marks, state: "pending" | "active", nowMs: number): Marks {
  if (labels?.[routingStateLabel] === state && annotations?.[routingStateModifiedAnnotation]) {
    return { labels, annotations };
  }
  return {
    labels: { ...labels, [routingStateLabel]: state },
    annotations: { ...annotations, [routingStateModifiedAnnotation]: timestamp(nowMs) },
  };
}
