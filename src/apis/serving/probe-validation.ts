import type { FeaturesConfig } from "../../config/features.ts";
import type { Probe } from "../core/probe.ts";
import {
  disallowed,
  type Findings,
  invalidValue,
  missingOneOf,
  multipleOneOf,
  none,
  outOfBounds,
  problem,
  under,
} from "../field-error.ts";
import { maskedFields, probeMask } from "./field-masks.ts";

const largestInt32 = 2_147_483_647;

/** Whose probe it is: the container with the port named `portName`, or one beside it. */
export type ProbeOwner = { readonly portName: string } | "sidecar";

/** What is wrong with a liveness probe, and with any probe. */
export function validateProbe(probe: Probe | undefined, owner: ProbeOwner, features: FeaturesConfig): Findings {
  if (!probe) return none;
  let found = maskedFields(probeMask, probe, features);
  const handlers: string[] = [];
  for (const handler of ["httpGet", "tcpSocket"] as const) {
    const port = probe[handler]?.port;
    if (port === undefined) continue;
    handlers.push(handler);
    // Upstream moves all that was found so far under the handler.
    found = [...under(handler, found), ...validatePort(port, `${handler}.port`, owner)];
  }
  if (probe.exec) {
    handlers.push("exec");
    found = under("exec", found);
  }
  if (probe.grpc) {
    handlers.push("gRPC");
    found = under("grpc", found);
  }
  if (handlers.length === 0) return [...found, ...missingOneOf("httpGet", "tcpSocket", "exec", "grpc")];
  return handlers.length > 1 ? [...found, ...multipleOneOf(...handlers)] : found;
}

function validatePort(port: number | string, field: string, owner: ProbeOwner): Findings {
  if (owner === "sidecar") {
    const isSet = port !== "" && port !== 0;
    return isSet ? none : invalidValue(port, field, "Probe port must be specified");
  }
  const isOther = typeof port === "string" && port !== "" && port !== owner.portName;
  return isOther ? invalidValue(port, field, "Probe port must match container port") : none;
}

/** What is wrong with a readiness probe. A period of 0 stands for Knative's own, eager probing. */
export function validateReadinessProbe(
  probe: Probe | undefined,
  owner: ProbeOwner,
  features: FeaturesConfig,
): Findings {
  if (!probe) return none;
  const { periodSeconds = 0, failureThreshold = 0, timeoutSeconds = 0 } = probe;
  const atLeast = (
    least: number,
    field: "periodSeconds" | "initialDelaySeconds" | "successThreshold" | "timeoutSeconds" | "failureThreshold",
  ) => {
    const value = probe[field] ?? 0;
    return value < least ? outOfBounds(value, least, largestInt32, field) : none;
  };
  const notWithEagerProbing = (field: string) => problem(`${field} is disallowed when periodSeconds is zero`, field);
  return [
    ...validateProbe(probe, owner, features),
    ...atLeast(0, "periodSeconds"),
    ...atLeast(0, "initialDelaySeconds"),
    ...atLeast(1, "successThreshold"),
    ...(periodSeconds === 0
      ? [
          ...(failureThreshold !== 0 ? notWithEagerProbing("failureThreshold") : none),
          ...(timeoutSeconds !== 0 ? notWithEagerProbing("timeoutSeconds") : none),
        ]
      : [...atLeast(1, "timeoutSeconds"), ...atLeast(1, "failureThreshold")]),
  ];
}

/** A container beside the serving one may have no probe: every field is one too many. */
export function refuseProbe(probe: Probe | undefined): Findings {
  if (!probe) return none;
  const handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
  // Upstream names the probe itself in place of its handler.
  const fields = new Set(Object.keys(probe).map((field) => (handlers.includes(field) ? "" : field)));
  return fields.size > 0 ? disallowed(...[...fields].sort()) : none;
}
