import type { AdmissionKind } from "../../apis/admission-kind.ts";
import { podAutoscalerAdmission } from "../../apis/autoscaling/podautoscaler-admission.ts";
import type { KubeObject } from "../../apis/meta.ts";
import { serverlessServiceAdmission } from "../../apis/networking/serverlessservice-admission.ts";
import { configurationAdmission } from "../../apis/serving/configuration-admission.ts";
import { domainMappingAdmission } from "../../apis/serving/domainmapping-admission.ts";
import { revisionAdmission } from "../../apis/serving/revision-admission.ts";
import { routeAdmission } from "../../apis/serving/route-admission.ts";
import { serviceAdmission } from "../../apis/serving/service-admission.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import { messageOf } from "../../lib/error-message.ts";
import { defaulted } from "../../reconcilers/defaulted.ts";
import { configDataOf, type RequestConfigMaps } from "./config-maps.ts";
import { autoscalerMakers } from "./make-autoscaler.ts";
import { makeNames } from "./make-names.ts";
import { networkMakers } from "./make-network.ts";
import { revisionMakers } from "./make-revision.ts";
import { withoutType } from "./reconcile.ts";

/** Builds a child object from the inputs of a request; undefined where an input is missing. */
export type Maker = (request: never, config: ServingConfig) => unknown;

const makers: Readonly<Record<string, Maker>> = {
  ...autoscalerMakers,
  ...networkMakers,
  ...revisionMakers,
  names: makeNames,
};

/** The inputs that have defaults, by their name in a request. */
const inputs = {
  service: serviceAdmission,
  configuration: configurationAdmission,
  revision: revisionAdmission,
  route: routeAdmission,
  podautoscaler: podAutoscalerAdmission,
  serverlessservice: serverlessServiceAdmission,
  domainmapping: domainMappingAdmission,
} satisfies Readonly<Record<string, AdmissionKind>>;

interface MakeRequest extends Partial<Readonly<Record<keyof typeof inputs, KubeObject>>> {
  readonly resource: string;
  /** Whether the inputs get their defaults first. */
  readonly setDefaults?: boolean;
  readonly configMaps?: RequestConfigMaps;
}

/** Op `make`: the child object, or why the builder refuses. Throws for bad requests and ConfigMaps. */
export function answerMake(request: MakeRequest): unknown {
  const make = makers[request.resource];
  if (!make) throw new Error(`unknown resource ${JSON.stringify(request.resource)}`);
  const config = parseServingConfig(configDataOf(request.configMaps));
  let object: unknown;
  try {
    object = make((request.setDefaults ? withDefaults(request, config) : request) as never, config);
  } catch (error) {
    return { error: messageOf(error) };
  }
  if (object === undefined) throw new Error(`resource ${JSON.stringify(request.resource)}: an input object is missing`);
  return { object: isObject(object) ? withoutType(object) : object };
}

function withDefaults(request: MakeRequest, config: ServingConfig): MakeRequest {
  const completed = Object.entries(inputs).flatMap(([name, admission]) => {
    const input = request[name as keyof typeof inputs];
    return input ? [[name, defaulted(input, admission, config)]] : [];
  });
  return { ...request, ...Object.fromEntries(completed) };
}

function isObject(value: unknown): value is KubeObject {
  return typeof value === "object" && value !== null && "metadata" in value && "apiVersion" in value;
}
