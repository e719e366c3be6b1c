import { admissionOf } from "../admission-kind.ts";
import { each, type Findings, invalidValue, missing, none, problem, under, underElement } from "../field-error.ts";
import { Ingress, type IngressBackendSplit, type IngressPath, type IngressRule, type IngressTLS } from "./ingress.ts";

/** Admission of Ingresses. Source: knative.dev/networking pkg/apis/networking/v1alpha1, as serving v0.42.2 requires it. */
export const ingressAdmission = admissionOf(Ingress, {
  setDefaults({ spec }) {
    for (const rule of spec?.rules ?? []) {
      rule.visibility ??= "ExternalIP";
      for (const { splits } of rule.http?.paths ?? []) {
        if (splits?.length === 1) splits[0]!.percent ||= 100;
      }
    }
  },

  validate({ metadata, spec }) {
    if (isUnset(spec)) return missing("spec");
    const { rules, tls, httpOption } = spec;
    const isKnownOption = httpOption === undefined || ["Enabled", "Redirected"].includes(httpOption);
    return under("spec", [
      ...(rules?.length ? none : missing("rules")),
      ...under(
        "rules",
        each(rules, (rule) => validateRule(rule, metadata.namespace ?? "")),
      ),
      ...under("tls", each(tls, validateTls)),
      ...(isKnownOption ? none : invalidValue(httpOption, "httpOption")),
    ]);
  },
});

function validateRule(rule: IngressRule, namespace: string): Findings {
  if (isUnset(rule)) return missing("");
  if (!rule.http) return missing("http");
  const { paths } = rule.http;
  if (!paths?.length) return missing("http.paths");
  return under(
    "http.paths",
    each(paths, (path) => validatePath(path, namespace)),
  );
}

function validatePath(path: IngressPath, namespace: string): Findings {
  if (isUnset(path)) return missing("");
  const splits = path.splits ?? [];
  if (splits.length === 0) return missing("splits");
  // One bad split hides the others.
  for (const [index, split] of splits.entries()) {
    const found = validateSplit(split, namespace);
    if (found.length > 0) return underElement("splits", index, found);
  }
  const total = splits.reduce((sum, { percent = 0 }) => sum + BigInt(percent), 0n);
  const mayBeUnset = splits.length === 1 && total === 0n;
  return total === 100n || mayBeUnset
    ? none
    : problem(`traffic split percentage must total to 100, but was ${total}`, "splits");
}

function validateSplit(split: IngressBackendSplit, namespace: string): Findings {
  const { percent = 0, serviceNamespace, serviceName, servicePort } = split;
  const isBackendUnset = !serviceNamespace && !serviceName && (servicePort ?? 0) === 0;
  if (isBackendUnset && percent === 0 && split.appendHeaders === undefined) return missing("");
  return [
    ...(percent < 0 || percent > 100 ? invalidValue(percent, "percent") : none),
    ...(isBackendUnset
      ? missing("")
      : [
          ...(serviceNamespace ? none : missing("serviceNamespace")),
          ...(serviceNamespace && serviceNamespace !== namespace
            ? problem("service namespace must match ingress namespace", "serviceNamespace")
            : none),
          ...(serviceName ? none : missing("serviceName")),
          ...(servicePort === 0 || servicePort === undefined ? missing("servicePort") : none),
        ]),
  ];
}

function validateTls(tls: IngressTLS): Findings {
  if (isUnset(tls)) return missing("");
  return [
    ...(tls.secretName ? none : missing("secretName")),
    ...(tls.secretNamespace ? none : missing("secretNamespace")),
  ];
}

function isUnset(value: object | undefined): boolean {
  return (
    value === undefined || Object.values(value).every((field) => !field || (field as readonly unknown[]).length === 0)
  );
}
