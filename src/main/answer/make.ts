import type { KubeObject } from "../../apis/meta.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import { autoscalerMakers } from "./make-autoscaler.ts";
import { makeNames } from "./make-names.ts";
import { networkMakers } from "./make-network.ts";
import { revisionMakers } from "./make-revision.ts";
import { configDataOf, type ReconcileRequest, withoutType } from "./reconcile.ts";

/** Builds a child object from the inputs of a request; undefined where an input is missing. */
export type Maker = (request: never, config: ServingConfig) => unknown;

const makers: Readonly<Record<string, Maker>> = {
  ...autoscalerMakers,
  ...networkMakers,
  ...revisionMakers,
  names: makeNames,
};

interface MakeRequest {
  readonly resource: string;
  readonly configMaps?: ReconcileRequest["configMaps"];
}

/** Op `make`: the child object, or why the builder refuses. Throws for bad requests and ConfigMaps. */
export function answerMake(request: MakeRequest): unknown {
  const make = makers[request.resource];
  if (!make) throw new Error(`unknown resource ${JSON.stringify(request.resource)}`);
  const config = parseServingConfig(configDataOf(request.configMaps));
  let object: unknown;
  try {
    object = make(request as never, config);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
  if (object === undefined) throw new Error(`resource ${JSON.stringify(request.resource)}: an input object is missing`);
  return { object: isObject(object) ? withoutType(object) : object };
}

function isObject(value: unknown): value is KubeObject {
  return typeof value === "object" && value !== null && "metadata" in value && "apiVersion" in value;
}
