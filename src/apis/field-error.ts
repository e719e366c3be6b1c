/** One finding of validation about one or more fields. */
export interface Finding {
  readonly message: string;
  /** Paths such as `spec.containers[0].image`, relative to what was validated. */
  readonly paths: readonly string[];
  /** What is said below the message. */
  readonly details?: string;
  /** Warnings do not refuse a request, they are only shown. */
  readonly isWarning?: true;
}

/**
 * What a check has found; empty where all is well. Checks return findings relative to the value they look at; `under`
 * moves them to where the value is. Texts, paths and order are those of knative.dev/pkg/apis FieldError, as serving
 * v0.42.2 requires it.
 */
export type Findings = readonly Finding[];

export const none: Findings = [];

/** Moves findings to a field (`"spec"`, `"metadata.annotations"`) or an element (a number) of the value they are about. */
export function under(place: string | number, findings: Findings): Findings {
  if (findings.length === 0) return none;
  return findings.map((finding) => ({ ...finding, paths: finding.paths.map((path) => joinPath(place, path)) }));
}

/** `under` for an element of a list field. */
export function underElement(field: string, index: number, findings: Findings): Findings {
  return findings.length === 0 ? none : under(field, under(index, findings));
}

/** `under` for an entry of a map. */
export function underKey(key: string, findings: Findings): Findings {
  return under(`[${key}]`, findings);
}

/** The findings of all elements of a list. */
export function each<T>(values: readonly T[] | undefined, check: (value: T, index: number) => Findings): Findings {
  return values ? values.flatMap((value, index) => under(index, check(value, index))) : none;
}

export function asWarnings(findings: Findings): Findings {
  return findings.map((finding) => ({ ...finding, isWarning: true }));
}

export function problem(message: string, ...paths: readonly string[]): Findings {
  return [{ message, paths }];
}

export function problemWith(details: string, message: string, ...paths: readonly string[]): Findings {
  return [{ message, paths, details }];
}

export function missing(...fields: readonly string[]): Findings {
  return problem("missing field(s)", ...fields);
}

export function disallowed(...fields: readonly string[]): Findings {
  return problem("must not set the field(s)", ...fields);
}

export function missingOneOf(...fields: readonly string[]): Findings {
  return problem("expected exactly one, got neither", ...fields);
}

export function multipleOneOf(...fields: readonly string[]): Findings {
  return problem("expected exactly one, got both", ...fields);
}

export function invalidValue(value: unknown, field: string, ...details: readonly string[]): Findings {
  return problemWith(details.join(", "), `invalid value: ${String(value)}`, field);
}

export function invalidKey(quotedKey: string, field: string, ...details: readonly string[]): Findings {
  return problemWith(details.join(", "), `invalid key name ${quotedKey}`, field);
}

export function outOfBounds(value: unknown, lower: unknown, upper: unknown, field: string): Findings {
  return problem(`expected ${String(lower)} <= ${String(value)} <= ${String(upper)}`, field);
}

/** The text of all errors, one per line; undefined where there are none. */
export function errorsOf(findings: Findings): string | undefined {
  const texts = merge(findings.filter((finding) => !finding.isWarning)).map(textOf);
  return texts.length > 0 ? texts.join("\n") : undefined;
}

/** The texts of the warnings. */
export function warningsOf(findings: Findings): readonly string[] {
  return merge(findings.filter((finding) => finding.isWarning)).map(textOf);
}

function textOf({ message, paths, details }: Finding): string {
  return `${message}: ${paths.join(", ")}${details ? `\n${details}` : ""}`;
}

/** Joins findings that say the same of several fields, and sorts them by text. */
function merge(findings: Findings): Findings {
  const byText = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.message}-${finding.details ?? ""}`;
    const same = byText.get(key);
    byText.set(key, same ? { ...same, paths: [...same.paths, ...finding.paths] } : finding);
  }
  return [...byText.values()]
    .map((finding) => ({ ...finding, paths: [...new Set(finding.paths)].sort(byBytes) }))
    .sort((a, b) => byBytes(a.message, b.message) || byBytes(a.details ?? "", b.details ?? ""));
}

function joinPath(place: string | number, path: string): string {
  let joined = "";
  for (const part of `${typeof place === "number" ? `[${place}]` : place}.${path}`.split(".")) {
    if (part === "") continue;
    const isIndex = part.startsWith("[") && part.endsWith("]");
    joined = joined === "" ? part : isIndex ? joined + part : `${joined}.${part}`;
  }
  return joined;
}

/** Compares as Go compares strings: by UTF-8 bytes. */
export function byBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
