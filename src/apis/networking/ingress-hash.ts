import { createHash } from "node:crypto";
import { hashHeader, hashOverride } from "./headers.ts";
import { sortBytes } from "./hosts.ts";
import type { Ingress, IngressPath, IngressRule } from "./ingress.ts";

/**
 * Tells one state of an Ingress from all others: the SHA-256, in hex, of what Go would print as the spec's JSON, with
 * namespace and name. Source: knative.dev/networking pkg/ingress ComputeHash, as serving v0.42.2 requires it.
 */
export function hashIngress({ metadata, spec }: Ingress): string {
  const { tls = [], rules = [], httpOption } = spec ?? {};
  const json = goJson({
    tls: tls.map(({ hosts, secretName, secretNamespace }) => pruned({ hosts, secretName, secretNamespace })),
    rules: rules.map(ruleOf),
    httpOption,
  });
  return createHash("sha256")
    .update(json + (metadata.namespace ?? "") + metadata.name)
    .digest("hex");
}

/**
 * The Ingress with a twin before every path: requests that ask for the hash get it set as a header on their way, so
 * that who answers them tells which state of the Ingress the gateway serves. Throws where a rule has no paths.
 */
export function insertProbe(ingress: Ingress): Ingress {
  const hash = hashIngress(ingress);
  const rules = (ingress.spec.rules ?? []).map((rule) => {
    const paths = rule.http?.paths;
    if (!paths) throw new Error(`rule is missing HTTP block: ${goText(rule)}`);
    const probes = paths.map((path) => ({
      ...path,
      headers: { ...path.headers, [hashHeader]: { exact: hashOverride } },
      appendHeaders: { ...path.appendHeaders, [hashHeader]: hash },
    }));
    return { ...rule, http: { paths: [...probes, ...paths] } };
  });
  return { ...ingress, spec: { ...ingress.spec, rules } };
}

/** A rule without paths, as Go prints it. */
function goText({ hosts = [], visibility }: IngressRule): string {
  return `{Hosts:[${hosts.join(" ")}] Visibility:${visibility ?? ""} HTTP:<nil>}`;
}

function ruleOf({ hosts, visibility, http }: IngressRule): object {
  return pruned({ hosts, visibility, http: http && { paths: (http.paths ?? []).map(pathOf) } });
}

function pathOf({ path, rewriteHost, headers, splits, appendHeaders }: IngressPath): object {
  return {
    ...pruned({ path, rewriteHost, headers: sorted(headers) }),
    splits: splits.map((split) => ({
      serviceNamespace: split.serviceNamespace,
      serviceName: split.serviceName,
      servicePort: split.servicePort,
      ...pruned({ percent: split.percent, appendHeaders: sorted(split.appendHeaders) }),
    })),
    ...pruned({ appendHeaders: sorted(appendHeaders) }),
  };
}

function sorted<V>(map: Readonly<Record<string, V>> | undefined): Record<string, V> {
  return Object.fromEntries(sortBytes(Object.keys(map ?? {})).map((key) => [key, map![key]!]));
}

/** Without what Go leaves out as empty. */
function pruned(fields: object): object {
  const isEmpty = (value: unknown) => !value || (typeof value === "object" && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

/** JSON as Go's encoder prints it, which escapes more than JavaScript's. */
function goJson(value: object): string {
  return JSON.stringify(pruned(value)).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
