import { goQuote } from "../lib/go-quote.ts";
import { stringMap, struct, type Template, type TemplateValue } from "../lib/go-template.ts";
import { parseHttpsUrl, UrlError } from "../lib/go-url.ts";
import { parseYaml, YamlError } from "../lib/go-yaml.ts";
import { Problem } from "./config-error.ts";
import {
  asBool,
  asInt,
  asString,
  type ConfigData,
  check,
  configParser,
  oneOf,
  overlay,
  type Row,
  type Rule,
  type ValueParser,
  valueAt,
} from "./fields.ts";
import { asNamespaceSelector, type NamespaceSelector, selectorShape } from "./selector.ts";
import { readTemplate, tryTemplate } from "./template.ts";

export type Encryption = "enabled" | "disabled";

/** Names, addresses and encryption of routes (config-network). Source: knative.dev/networking pkg/config, as serving v0.42.2 requires it. */
export interface NetworkConfig {
  readonly defaultIngressClass: string;
  readonly defaultCertificateClass: string;
  /** Makes a route's host; see domainNameOf. */
  readonly domainTemplate: Template;
  /** Makes the name that stands for a route's tag; see tagNameOf. */
  readonly tagTemplate: Template;
  /** Old name of externalDomainTLS. */
  readonly autoTLS: boolean;
  readonly externalDomainTLS: boolean;
  readonly httpProtocol: "enabled" | "disabled" | "redirected";
  /** Which namespaces have a wildcard certificate; undefined: none. */
  readonly namespaceWildcardCertSelector: NamespaceSelector | undefined;
  readonly rolloutDurationSecs: number;
  /** Whether a DomainMapping's claim is made for it. */
  readonly autocreateClusterDomainClaims: boolean;
  readonly enableMeshPodAddressability: boolean;
  /** Whether pods are reached by their own address (disabled), by their Service's (enabled), or as it works (auto). */
  readonly meshCompatibilityMode: "enabled" | "disabled" | "auto";
  /** The scheme of URLs without TLS of our own. */
  readonly defaultExternalScheme: string;
  /** Old name of systemInternalTLS. */
  readonly internalEncryption: boolean;
  readonly systemInternalTLS: Encryption;
  readonly clusterLocalDomainTLS: Encryption;
}

/** What a domain template may use. */
export interface DomainTemplateValues {
  readonly name: string;
  readonly namespace: string;
  readonly domain: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

const asSelector: ValueParser<NamespaceSelector | undefined> = (text, key) => {
  try {
    const selector = parseYaml(text, selectorShape);
    return selector && asNamespaceSelector(selector);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new Problem(error.message, key, { cause: error, allowed: "YAML: a label selector" });
  }
};

/** What can be read key by key; templates are texts yet. */
interface Plain
  extends Omit<
    NetworkConfig,
    | "domainTemplate"
    | "tagTemplate"
    | "autoTLS"
    | "externalDomainTLS"
    | "httpProtocol"
    | "systemInternalTLS"
    | "clusterLocalDomainTLS"
  > {
  readonly domainTemplate: string;
  readonly tagTemplate: string;
}

const defaults: Plain = {
  defaultIngressClass: "istio.ingress.networking.knative.dev",
  defaultCertificateClass: "cert-manager.certificate.networking.knative.dev",
  domainTemplate: "{{.Name}}.{{.Namespace}}.{{.Domain}}",
  tagTemplate: "{{.Tag}}-{{.Name}}",
  namespaceWildcardCertSelector: undefined,
  rolloutDurationSecs: 0,
  autocreateClusterDomainClaims: false,
  enableMeshPodAddressability: false,
  meshCompatibilityMode: "auto",
  defaultExternalScheme: "http",
  internalEncryption: false,
};

const rows: readonly Row<Plain>[] = [
  ["ingress.class", "defaultIngressClass", asString],
  ["certificate.class", "defaultCertificateClass", asString],
  ["domainTemplate", "domainTemplate", asString],
  ["tagTemplate", "tagTemplate", asString],
  ["rolloutDuration", "rolloutDurationSecs", asInt],
  ["autocreateClusterDomainClaims", "autocreateClusterDomainClaims", asBool],
  ["defaultExternalScheme", "defaultExternalScheme", asString],
  ["ingress-class", "defaultIngressClass", asString],
  ["certificate-class", "defaultCertificateClass", asString],
  ["domain-template", "domainTemplate", asString],
  ["tag-template", "tagTemplate", asString],
  ["rollout-duration", "rolloutDurationSecs", asInt],
  ["autocreate-cluster-domain-claims", "autocreateClusterDomainClaims", asBool],
  ["enable-mesh-pod-addressability", "enableMeshPodAddressability", asBool],
  ["default-external-scheme", "defaultExternalScheme", asString],
  ["internal-encryption", "internalEncryption", asBool],
  ["mesh-compatibility-mode", "meshCompatibilityMode", oneOf(["enabled", "disabled", "auto"] as const, "auto")],
  ["namespace-wildcard-cert-selector", "namespaceWildcardCertSelector", asSelector],
];

const rules: readonly Rule<Plain>[] = [
  [
    "rollout-duration",
    ({ rolloutDurationSecs }) => rolloutDurationSecs < 0,
    ({ rolloutDurationSecs }) => `rollout-duration must be a positive integer, but was ${rolloutDurationSecs}`,
  ],
];

/** Parses config-network. Throws ConfigError. */
export const parseNetworkConfig = configParser<NetworkConfig>("config-network", (data) => {
  const plain = overlay(defaults, data, rows);
  check(plain, rules);
  const domainTemplate = readTemplate("domain-template", plain.domainTemplate, "domain-template");
  checkHost(domainTemplate);
  const tagTemplate = readTemplate("tag-template", plain.tagTemplate, "tag-template");
  tryTemplate(tagTemplate, tagValue({ name: "foo", tag: "v2" }), "tag-template");

  const externalDomainTLS = isEnabled(
    valueAt(data, "external-domain-tls") ?? valueAt(data, "auto-tls") ?? valueAt(data, "autoTLS"),
  );
  const httpProtocol = readHttpProtocol(data);
  const systemInternalTLS = readEncryption(data, "system-internal-tls") === "enabled" || plain.internalEncryption;
  return {
    ...plain,
    domainTemplate,
    tagTemplate,
    autoTLS: externalDomainTLS,
    externalDomainTLS,
    httpProtocol,
    internalEncryption: systemInternalTLS,
    systemInternalTLS: systemInternalTLS ? "enabled" : "disabled",
    clusterLocalDomainTLS: readEncryption(data, "cluster-local-domain-tls"),
  };
});

/** A route's host. Throws TemplateError where the template fails on these values. */
export function domainNameOf(config: NetworkConfig, values: DomainTemplateValues): string {
  return config.domainTemplate.execute(domainValue(values));
}

/** The name under which a route's tag is served. Throws TemplateError where the template fails on these values. */
export function tagNameOf(config: NetworkConfig, values: { readonly name: string; readonly tag: string }): string {
  return config.tagTemplate.execute(tagValue(values));
}

/** Whether traffic between the parts of the system is encrypted. */
export function isSystemInternalTLSEnabled(config: NetworkConfig): boolean {
  return config.systemInternalTLS === "enabled";
}

function domainValue(values: DomainTemplateValues): TemplateValue {
  return struct("config.DomainTemplateValues", {
    Name: values.name,
    Namespace: values.namespace,
    Domain: values.domain,
    Annotations: stringMap(values.annotations),
    Labels: stringMap(values.labels),
  });
}

function tagValue({ name, tag }: { readonly name: string; readonly tag: string }): TemplateValue {
  return struct("config.TagTemplateValues", { Name: name, Tag: tag });
}

/** A trial: what the template makes has to be a host and nothing more. */
function checkHost(template: Template): void {
  const key = "domain-template";
  const host = tryTemplate(template, domainValue({ name: "foo", namespace: "bar", domain: "baz.com" }), key);
  const allowed = "a template that makes a host name";
  try {
    const { hostname, requestUri } = parseHttpsUrl(host);
    if (hostname === "") throw new UrlError("empty hostname");
    if (requestUri !== "/") throw new UrlError(`domain template has url path: ${requestUri}`);
  } catch (error) {
    if (error instanceof UrlError) throw new Problem(error.message, key, { cause: error, allowed });
    throw error;
  }
}

function readHttpProtocol(data: ConfigData): NetworkConfig["httpProtocol"] {
  const key = "http-protocol";
  const text = (valueAt(data, key) ?? valueAt(data, "httpProtocol") ?? "").toLowerCase();
  if (text === "" || text === "enabled") return "enabled";
  if (text === "disabled" || text === "redirected") return text;
  throw new Problem(`httpProtocol ${valueAt(data, key) ?? ""} in config-network ConfigMap is not supported`, key, {
    allowed: "enabled, disabled or redirected",
  });
}

function readEncryption(data: ConfigData, key: string): Encryption {
  const text = valueAt(data, key) ?? "";
  const word = text.toLowerCase();
  if (word === "" || word === "disabled") return "disabled";
  if (word === "enabled") return word;
  throw new Problem(`${key} with value: ${goQuote(text)} in config-network ConfigMap is not supported`, key, {
    allowed: "enabled or disabled",
  });
}

function isEnabled(text: string | undefined): boolean {
  return text?.toLowerCase() === "enabled";
}
