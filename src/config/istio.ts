import { serviceHostname } from "../lib/cluster-domain.ts";
import { parseYaml, YamlError } from "../lib/go-yaml.ts";
import { selectorProblem, subdomainProblems } from "../lib/kube-names.ts";
import { Problem } from "./config-error.ts";
import { type ConfigData, configParser, prefixed, valueAt } from "./fields.ts";
import { asNamespaceSelector, type NamespaceSelector, selectorShape } from "./selector.ts";

/** The Istio gateways that carry traffic (config-istio). Source: net-istio pkg/reconciler/ingress/config. */
export interface IstioConfig {
  /** For what is public. */
  readonly ingressGateways: readonly IstioGateway[];
  /** For what is seen inside the cluster only. */
  readonly localGateways: readonly IstioGateway[];
}

export interface IstioGateway {
  readonly namespace: string;
  readonly name: string;
  /** The host name of the Kubernetes Service before the gateway's pods. */
  readonly serviceURL: string;
  /** Which Ingresses use it; undefined: those that no other selects. */
  readonly labelSelector?: NamespaceSelector | undefined;
}

/** The namespace of Istio's own gateways: their Services, pods and the Secrets that they serve TLS with. */
export const istioNamespace = "istio-system";

/** The namespace of what belongs to Knative where none is named. */
const systemNamespace = "knative-serving";

const defaultIngressGateways: readonly IstioGateway[] = [
  {
    namespace: systemNamespace,
    name: "knative-ingress-gateway",
    serviceURL: serviceHostname("istio-ingressgateway", istioNamespace),
  },
];

const defaultLocalGateways: readonly IstioGateway[] = [
  {
    namespace: systemNamespace,
    name: "knative-local-gateway",
    serviceURL: serviceHostname("knative-local-gateway", istioNamespace),
  },
];

const gatewayShape = {
  type: "config.Gateway",
  fields: { namespace: "string", name: "string", service: "string", labelSelector: selectorShape },
} as const;

/** Parses config-istio: either `gateway.<namespace>.<name>` keys or lists under external-gateways and local-gateways. */
export const parseIstioConfig = configParser<IstioConfig>("config-istio", (data) => {
  const keys = Object.keys(data);
  const hasLists = keys.some((key) => key === "external-gateways" || key === "local-gateways");
  const hasKeys = keys.some((key) => key.startsWith("gateway.") || key.startsWith("local-gateway."));
  if (hasLists && hasKeys) {
    throw new Problem(
      'invalid configmap: "local-gateways" or "external-gateways" can not be defined simultaneously with "gateway." or "local-gateway."',
    );
  }
  const config = hasLists ? prefixed("failed to parse configmap", () => readLists(data)) : readKeys(data);
  prefixed("invalid configuration", () => {
    for (const gateway of config.ingressGateways) checkGateway(gateway, "invalid gateway");
    for (const gateway of config.localGateways) checkGateway(gateway, "invalid local gateway");
  });
  return config;
});

/** "namespace/name". */
export function qualifiedGatewayName(gateway: Pick<IstioGateway, "namespace" | "name">): string {
  return `${gateway.namespace}/${gateway.name}`;
}

function readLists(data: ConfigData): IstioConfig {
  const config = {
    ingressGateways: orDefault(readList(data, "external-gateways"), defaultIngressGateways),
    localGateways: orDefault(readList(data, "local-gateways"), defaultLocalGateways),
  };
  checkOneDefault(config.ingressGateways, "external-gateways", "external");
  checkOneDefault(config.localGateways, "local-gateways", "local");
  return config;
}

function readList(data: ConfigData, key: string): readonly IstioGateway[] {
  const text = valueAt(data, key);
  if (text === undefined) return [];
  try {
    const gateways = parseYaml(text, { listOf: gatewayShape }) ?? [];
    return gateways.map(({ namespace = "", name = "", service = "", labelSelector }) => ({
      namespace,
      name,
      serviceURL: service,
      ...(labelSelector && { labelSelector: asNamespaceSelector(labelSelector) }),
    }));
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const allowed = "YAML: a list of {namespace, name, service, labelSelector}";
    throw new Problem(`failed to parse "${key}" gateways: failed to unmarshal: ${error.message}`, key, {
      cause: error,
      allowed,
    });
  }
}

function readKeys(data: ConfigData): IstioConfig {
  return {
    ingressGateways: orDefault(gatewaysUnder(data, "gateway."), defaultIngressGateways),
    localGateways: orDefault(gatewaysUnder(data, "local-gateway."), defaultLocalGateways),
  };
}

/** The gateways whose keys begin with `prefix`, by name: `<namespace>.<name>`, or the name alone. */
function gatewaysUnder(data: ConfigData, prefix: string): readonly IstioGateway[] {
  const names = Object.keys(data)
    .filter((key) => key.startsWith(prefix) && key !== prefix)
    .map((key) => key.slice(prefix.length))
    .sort();
  return names.map((qualified) => {
    const dot = qualified.indexOf(".");
    const [namespace, name] =
      dot < 0 ? [systemNamespace, qualified] : [qualified.slice(0, dot), qualified.slice(dot + 1)];
    return { namespace, name, serviceURL: data[prefix + qualified]! };
  });
}

function orDefault(gateways: readonly IstioGateway[], otherwise: readonly IstioGateway[]): readonly IstioGateway[] {
  return gateways.length > 0 ? gateways : otherwise;
}

function checkOneDefault(gateways: readonly IstioGateway[], key: string, word: string): void {
  const general = gateways.filter((gateway) => !gateway.labelSelector);
  if (general.length === 1) return;
  const here = general.map(({ namespace, name, serviceURL }) => `{${namespace} ${name} ${serviceURL} <nil>}`).join(" ");
  throw new Problem(`exactly one ${word} gateway with no selector can be defined, here: [${here}]`, key);
}

function checkGateway(gateway: IstioGateway, words: string): void {
  const problem = gatewayProblem(gateway);
  if (problem) throw new Problem(`${words} ${qualifiedGatewayName(gateway)}: ${problem}`);
}

function gatewayProblem({ namespace, name, serviceURL, labelSelector }: IstioGateway): string | undefined {
  if (namespace === "") return "missing namespace";
  if (name === "") return "missing name";
  if (serviceURL === "") return "missing service";
  const hostProblems = subdomainProblems(serviceURL.replace(/\.$/, ""));
  if (hostProblems.length > 0) return `invalid gateway service format: [${hostProblems.join(" ")}]`;
  const problem = labelSelector && selectorProblem(labelSelector);
  return problem && `failed to create selector from label selector: ${problem}`;
}
