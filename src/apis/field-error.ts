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

/**
 * So many findings are enough to refuse an object. Checks that move findings again and again stop here, lest a hostile
 * object cost time and memory by the square of its size.
 */
export const plenty = 500;

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
  const byText = new Map<string, { first: Finding; paths: Set<string> }>();
  for (const finding of findings) {
    const key = `${finding.message}-${finding.details ?? ""}`;
    const same = byText.get(key);
    if (!same) byText.set(key, { first: finding, paths: new Set(finding.paths) });
    else for (const path of finding.paths) same.paths.add(path);
  }
  return [...byText.values()]
    .map(({ first, paths }) => ({ ...first, paths: [...paths].sort(byBytes) }))
    .sort((a, b) => byBytes(a.message, b.message) || byBytes(a.details ?? "", b.details ?? ""));
}

/** An index or key goes on with its field: `ports` and `[0].name` are `ports[0].name`. */
function joinPath(place: string | number, path: string): string {
  const head = typeof place === "number" ? `[${place}]` : place;
  if (path === "" || head === "") return head + path;
  if (!path.startsWith("[")) return `${head}.${path}`;
  // A key with dots is not taken for one: upstream looks at what stands before the first dot.
  const dot = path.indexOf(".");
  const isIndex = path[(dot < 0 ? path.length : dot) - 1] === "]";
  return isIndex ? head + path : `${head}.${path}`;
}

/** Compares as Go compares strings: by UTF-8 bytes, which is by code points. */
export function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? surrogatesLast(x) - surrogatesLast(y) : x - y;
  }
  return a.length - b.length;
}

/** Halves of code points beyond 16 bits come after all others. */
function surrogatesLast(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
