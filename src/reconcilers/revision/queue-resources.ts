import type { ResourceRequirements } from "../../apis/core/pod-spec.ts";
import {
  queueCpuLimitAnnotation,
  queueCpuRequestAnnotation,
  queueEphemeralStorageLimitAnnotation,
  queueEphemeralStorageRequestAnnotation,
  queueMemoryLimitAnnotation,
  queueMemoryRequestAnnotation,
  queueResourcePercentageAnnotations,
} from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import type { DeploymentConfig } from "../../config/deployment.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { parseGoFloat } from "../../lib/go-number.ts";
import { compareQuantities, parseQuantity, type Quantity, quantityOfMilli } from "../../lib/quantity.ts";
import { servingContainer } from "./user-containers.ts";

type Side = "requests" | "limits";
type ResourceName = "cpu" | "memory" | "ephemeral-storage";

/** One amount that queue-proxy asks for, and everywhere it may come from. */
interface Source {
  readonly side: Side;
  readonly name: ResourceName;
  readonly setting: keyof DeploymentConfig & `queueSidecar${string}`;
  /** In force with the flag queueproxy.resource-defaults, where the setting is absent. */
  readonly fallback?: string;
  readonly annotation: string;
  /** Keeps a share of the user's container within reason. */
  readonly bounds?: readonly [least: string, most: string];
}

const sources: readonly Source[] = [
  {
    side: "requests",
    name: "cpu",
    setting: "queueSidecarCPURequest",
    fallback: "25m",
    annotation: queueCpuRequestAnnotation,
    bounds: ["25m", "100m"],
  },
  {
    side: "limits",
    name: "cpu",
    setting: "queueSidecarCPULimit",
    fallback: "1000m",
    annotation: queueCpuLimitAnnotation,
    bounds: ["40m", "500m"],
  },
  {
    side: "requests",
    name: "memory",
    setting: "queueSidecarMemoryRequest",
    fallback: "400Mi",
    annotation: queueMemoryRequestAnnotation,
    bounds: ["50Mi", "200Mi"],
  },
  {
    side: "limits",
    name: "memory",
    setting: "queueSidecarMemoryLimit",
    fallback: "800Mi",
    annotation: queueMemoryLimitAnnotation,
    bounds: ["200Mi", "500Mi"],
  },
  {
    side: "requests",
    name: "ephemeral-storage",
    setting: "queueSidecarEphemeralStorageRequest",
    annotation: queueEphemeralStorageRequestAnnotation,
  },
  {
    side: "limits",
    name: "ephemeral-storage",
    setting: "queueSidecarEphemeralStorageLimit",
    annotation: queueEphemeralStorageLimitAnnotation,
  },
];

const largestInt64 = (1n << 63n) - 1n;

/**
 * What queue-proxy asks of the machine. An amount named in an annotation wins over a share of the user's container
 * (also an annotation), and that over the settings.
 * Source: serving v0.42.2 pkg/reconciler/revision/resources/queue.go createQueueResources.
 */
export function makeQueueResources(revision: Revision, config: ServingConfig): ResourceRequirements {
  const { annotations = {} } = revision.metadata;
  const users = servingContainer(revision).resources;
  const fraction = fractionIn(annotations);
  const useFallback = config.features.queueProxyResourceDefaults === "Enabled";
  const resources: Record<Side, Record<string, string>> = { requests: {}, limits: {} };
  for (const { side, name, setting, fallback, annotation, bounds } of sources) {
    const amount =
      parsed(annotations[annotation]) ??
      (fraction !== undefined && bounds ? shareOf(parsed(users?.[side]?.[name]), fraction, bounds) : undefined) ??
      parsed(config.deployment[setting] as string | undefined) ??
      (useFallback ? parsed(fallback) : undefined);
    if (amount) resources[side][name] = amount.text;
  }
  const { requests, limits } = resources;
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

function shareOf(
  amount: Quantity | undefined,
  fraction: number,
  [least, most]: readonly [string, string],
): Quantity | undefined {
  if (!amount || amount.nano === 0n) return undefined;
  const milli = amount.nano / 1_000_000_000n < largestInt64 / 1000n ? ceil(amount.nano, 1_000_000n) : largestInt64 - 1n;
  const share = Number(milli) * fraction;
  const quantity = quantityOfMilli(share < Number(largestInt64) ? BigInt(Math.trunc(share)) : largestInt64, "binarySI");
  const [lower, upper] = [parseQuantity(least), parseQuantity(most)];
  if (compareQuantities(quantity, lower) < 0) return lower;
  return compareQuantities(quantity, upper) > 0 ? upper : quantity;
}

function fractionIn(annotations: Readonly<Record<string, string>>): number | undefined {
  const key = queueResourcePercentageAnnotations.find((name) => annotations[name] !== undefined);
  if (key === undefined) return undefined;
  try {
    return parseGoFloat(annotations[key]!) / 100;
  } catch {
    return undefined;
  }
}

/** An amount that cannot be read counts as absent: admission has refused it, but for objects older than that. */
function parsed(text: string | number | undefined): Quantity | undefined {
  if (text === undefined) return undefined;
  try {
    return parseQuantity(String(text));
  } catch {
    return undefined;
  }
}

function ceil(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
