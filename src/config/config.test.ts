import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, describeConfigError } from "./config-error.ts";
import { parseDefaultsConfig, userContainerName } from "./defaults.ts";
import { parseDeploymentConfig, runtimeClassNameFor } from "./deployment.ts";
import { lookupDomain, parseDomainConfig } from "./domain.ts";
import { exampleChecksum, isExampleEdited } from "./example.ts";
import { parseGcConfig } from "./gc.ts";
import { parseIstioConfig } from "./istio.ts";
import { parseLeaderElectionConfig } from "./leader-election.ts";
import { logLevelOf, parseLoggingConfig } from "./logging.ts";
import { domainNameOf, parseNetworkConfig, tagNameOf } from "./network.ts";
import { defaultServingConfig, parseServingConfig, servingConfigMaps } from "./serving-config.ts";

const host = "svc.cluster.local";

test("an error names the map, the key, its value and what is allowed", () => {
  try {
    parseGcConfig({ "retain-since-create-time": "-1h" });
    assert.fail("it is refused");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.message, "failed to parse retain-since-create-time: must be non-negative");
    assert.deepEqual([error.map, error.key, error.value], ["config-gc", "retain-since-create-time", "-1h"]);
    assert.equal(error.allowed, '"disabled" or a value such as "48h"');
    assert.equal(
      describeConfigError(error),
      'failed to parse retain-since-create-time: must be non-negative ("retain-since-create-time" takes "disabled" or a value such as "48h"); the last good settings of this ConfigMap stay in force',
    );
  }
});

test("an error of a value that is only out of bounds says no more than its bounds", () => {
  assert.throws(
    () => parseGcConfig({ "min-non-active-revisions": "-1" }),
    (error) =>
      describeConfigError(error) ===
      "min-non-active-revisions must be non-negative, was: -1; the last good settings of this ConfigMap stay in force",
  );
});

test("every part of the snapshot is frozen through and through", () => {
  const config = parseServingConfig({
    "config-deployment": { "queue-sidecar-image": "q", "runtime-class-name": "kata: {selector: {a: b}}" },
    "config-domain": { "example.com": "selector: {app: prod}" },
    "config-istio": { "gateway.ns.name": "gw.ns.svc.cluster.local" },
  });
  const unfrozen = (value: unknown, path: string): string[] => {
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return [];
    const own = Object.isFrozen(value) ? [] : [path];
    return [...own, ...Object.entries(value).flatMap(([key, part]) => unfrozen(part, `${path}.${key}`))];
  };
  assert.deepEqual(unfrozen(config, "config"), []);
  assert.deepEqual(unfrozen(defaultServingConfig, "defaults"), []);
});

test("names from a prototype are neither keys nor values", () => {
  for (const { map, parse } of Object.values(servingConfigMaps)) {
    if (map === "config-deployment" || map === "config-domain") continue;
    assert.deepEqual(parse(JSON.parse('{"__proto__": "x", "constructor": "y"}')), parse({}), map);
  }
});

test("network: templates make hosts and tags, and old names of settings are understood", () => {
  const config = parseNetworkConfig({
    "domain-template": '{{.Name}}.{{index .Labels "team"}}.{{.Domain}}',
    tagTemplate: "{{.Name}}--{{.Tag}}",
    autoTLS: "Enabled",
    "internal-encryption": "true",
  });
  assert.equal(domainNameOf(config, { name: "a", namespace: "b", domain: "c.io", labels: { team: "t" } }), "a.t.c.io");
  assert.equal(tagNameOf(config, { name: "a", tag: "v1" }), "a--v1");
  assert.deepEqual([config.externalDomainTLS, config.autoTLS, config.systemInternalTLS], [true, true, "enabled"]);
  assert.throws(() => parseNetworkConfig({ "domain-template": "{{.Name}}/x" }), {
    message: "domain template has url path: /x",
  });
  assert.throws(() => parseNetworkConfig({ "domain-template": "{{if .Nope}}{{end}}" }), {
    message:
      'template: domain-template:1:5: executing "domain-template" at <.Nope>: can\'t evaluate field Nope in type config.DomainTemplateValues',
  });
});

test("defaults: container names follow a template; where it fails on an object the name is empty", () => {
  const config = parseDefaultsConfig({ "container-name-template": "{{.Name}}-{{slice .Namespace 0 (len .Name)}}" });
  assert.equal(userContainerName(config, { name: "ab", namespace: "xyz" }), "ab-xy");
  assert.equal(userContainerName(config, { name: "abcd", namespace: "x" }), "");
  const withUid = parseDefaultsConfig({ "container-name-template": "c-{{.UID}}" });
  assert.equal(userContainerName(withUid, { uid: "1-2" }), "c-1-2");
});

test("domain: the most specific selector wins, then the alphabet; cluster-local routes stay inside", () => {
  const config = parseDomainConfig({
    "a.com": "selector: {app: prod}",
    "b.com": "selector: {app: prod}",
    "c.com": "selector: {app: prod, tier: gold}",
    "d.com": "",
  });
  const cases: [Record<string, string>, string][] = [
    [{}, "d.com"],
    [{ app: "prod" }, "a.com"],
    [{ app: "prod", tier: "gold" }, "c.com"],
    [{ app: "prod", "networking.knative.dev/visibility": "cluster-local" }, host],
  ];
  for (const [labels, want] of cases) assert.equal(lookupDomain(config, labels), want);
  assert.equal(lookupDomain(parseDomainConfig({ "a.com": "selector: {app: prod}" }), {}), host);
});

test("deployment: runtime classes are chosen by labels, and their names have to be names", () => {
  const config = parseDeploymentConfig({
    "queue-sidecar-image": "q",
    "runtime-class-name": "kata: {}\ngvisor:\n  selector:\n    safe: yes\n",
  });
  assert.equal(runtimeClassNameFor(config, { safe: "true" }), "gvisor");
  assert.equal(runtimeClassNameFor(config, undefined), "kata");
  assert.throws(() => parseDeploymentConfig({ "queue-sidecar-image": "q", "runtime-class-name": "Kata: {}" }), {
    message: /^runtime-class-name Kata selector not valid DNSSubdomain: \[a lowercase RFC 1123 subdomain/,
  });
  assert.throws(
    () => parseDeploymentConfig({ "queue-sidecar-image": "q", "runtime-class-name": "k: {selector: {a b: c}}" }),
    {
      message: /^runtime-class-name k selector invalid: key: Invalid value: "a b": name part must consist of/,
    },
  );
});

test("leader election: prefixes of leases are collected", () => {
  const config = parseLeaderElectionConfig({ "map-lease-prefix.a.b": "c", "map-lease-prefix.": "no" });
  assert.deepEqual(config.leaseNamesPrefixMapping, { "a.b": "c" });
});

test("logging: a component's own level, else that of the settings, else info", () => {
  const config = parseLoggingConfig({ "loglevel.autoscaler": "DEBUG", "zap-logger-config": '{"level":"warn"}' });
  assert.equal(logLevelOf(config, "autoscaler"), "debug");
  assert.equal(logLevelOf(config, "controller"), "warn");
  assert.equal(logLevelOf(parseLoggingConfig({ "zap-logger-config": "{bad" }), "controller"), "info");
});

test("logging: of several bad levels the first in the ConfigMap is told", () => {
  assert.throws(() => parseLoggingConfig({ "loglevel.a": "info", "loglevel.b": "loud", "loglevel.c": "quiet" }), {
    message: "invalid logging level: loud",
  });
});

test("what is told of a value is quoted as Go quotes it", () => {
  const told = (value: string) => {
    try {
      parseGcConfig({ "retain-since-create-time": value, "max-non-active-revisions": value });
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(told("é\t") ?? "", /time: invalid duration "\\xc3\\xa9\\x09"$/);
  assert.throws(() => parseGcConfig({ "max-non-active-revisions": "\ud800" }), {
    message: 'failed to parse max-non-active-revisions: strconv.ParseUint: parsing "\ufffd": invalid syntax',
  });
});

const defaultGateways = [
  {
    namespace: "knative-serving",
    name: "knative-ingress-gateway",
    serviceURL: `istio-ingressgateway.istio-system.${host}`,
  },
];

const istio: Record<string, { data: Record<string, string>; want?: unknown; error?: string | RegExp }> = {
  "nothing set: the usual gateways": { data: {}, want: defaultGateways },
  "keys name namespace and gateway; the namespace may be left out": {
    data: { "gateway.ns.b": `b.${host}`, "gateway.a": `a.${host}.`, "local-gateway.x.y": `y.${host}` },
    want: [
      { namespace: "knative-serving", name: "a", serviceURL: `a.${host}.` },
      { namespace: "ns", name: "b", serviceURL: `b.${host}` },
    ],
  },
  "lists may choose Ingresses by label": {
    data: {
      "external-gateways": `[{namespace: ns, name: g, service: s.n.${host}}, {namespace: ns, name: h, service: h.n.${host}, labelSelector: {matchLabels: {a: b}}}]`,
    },
    want: [
      { namespace: "ns", name: "g", serviceURL: `s.n.${host}` },
      { namespace: "ns", name: "h", serviceURL: `h.n.${host}`, labelSelector: { matchLabels: { a: "b" } } },
    ],
  },
  "an empty list: the usual gateways": { data: { "external-gateways": "" }, want: defaultGateways },
  "both ways at a time": {
    data: { "gateway.a": "a", "local-gateways": "" },
    error:
      'invalid configmap: "local-gateways" or "external-gateways" can not be defined simultaneously with "gateway." or "local-gateway."',
  },
  "two lists' worth of defaults": {
    data: { "external-gateways": "[{namespace: ns, name: g, service: s}, {namespace: ns, name: h, service: s}]" },
    error:
      "failed to parse configmap: exactly one external gateway with no selector can be defined, here: [{ns g s <nil>} {ns h s <nil>}]",
  },
  "two lists' worth of defaults inside the cluster": {
    data: { "local-gateways": "[{namespace: ns, name: g, service: s}, {namespace: ns, name: h, service: s}]" },
    error:
      "failed to parse configmap: exactly one local gateway with no selector can be defined, here: [{ns g s <nil>} {ns h s <nil>}]",
  },
  "a list that is none": {
    data: { "external-gateways": "a: b" },
    error:
      /^failed to parse configmap: failed to parse "external-gateways" gateways: failed to unmarshal: .*cannot unmarshal/,
  },
  "an empty namespace": {
    data: { "gateway..a": "s" },
    error: "invalid configuration: invalid gateway /a: missing namespace",
  },
  "a Service that cannot be": {
    data: { "gateway.a": "A_B" },
    error:
      /^invalid configuration: invalid gateway knative-serving\/a: invalid gateway service format: \[a lowercase RFC 1123/,
  },
  "no Service": {
    data: { "local-gateway.a": "" },
    error: "invalid configuration: invalid local gateway knative-serving/a: missing service",
  },
  "a selector that cannot be": {
    data: {
      "local-gateways":
        "[{namespace: ns, name: g, service: s}, {namespace: ns, name: h, service: s, labelSelector: {matchExpressions: [{key: a, operator: Is}]}}]",
    },
    error:
      'invalid configuration: invalid local gateway ns/h: failed to create selector from label selector: "Is" is not a valid label selector operator',
  },
};

for (const [name, { data, want, error }] of Object.entries(istio)) {
  test(`istio: ${name}`, () => {
    if (error === undefined) assert.deepEqual(parseIstioConfig(data).ingressGateways, want);
    else assert.throws(() => parseIstioConfig(data), { name: "ConfigError", message: error });
  });
}

test("the checksum of an explanation does not mind line ends and white space around it", () => {
  assert.equal(exampleChecksum("\n a: b\r\n\nc: d\n"), exampleChecksum("a: b\nc: d"));
  assert.equal(exampleChecksum(""), "00000000");
  assert.ok(isExampleEdited({ _example: "new" }, { "knative.dev/example-checksum": exampleChecksum("old") }));
  assert.ok(!isExampleEdited({ _example: "old" }, { "knative.dev/example-checksum": exampleChecksum("old") }));
  assert.ok(!isExampleEdited({ _example: "new" }, {}));
});
