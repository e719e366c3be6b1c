import { dnsLabelProblems, identifierProblems, qualifiedNameProblems } from "../lib/kube-names.ts";
import type { ObjectReference } from "./core/references.ts";
import { disallowed, type Findings, invalidValue, missing } from "./field-error.ts";

/**
 * A reference to an object in the same namespace: kind, apiVersion and name, and nothing else.
 * Source: serving v0.42.2 pkg/apis/serving ValidateNamespacedObjectReference (networking has the same).
 */
export function namespacedReference(reference: ObjectReference | undefined): Findings {
  const { apiVersion, kind, name, ...others } = reference ?? {};
  const refused = Object.keys(others).sort();
  return [
    ...(refused.length > 0 ? disallowed(...refused) : []),
    ...needed("apiVersion", apiVersion, qualifiedNameProblems),
    ...needed("kind", kind, identifierProblems),
    ...needed("name", name, dnsLabelProblems),
  ];
}

function needed(field: string, value: string | undefined, problemsOf: (value: string) => string[]): Findings {
  if (!value) return missing(field);
  const problems = problemsOf(value);
  return problems.length > 0 ? invalidValue(problems.join(", "), field) : [];
}
