import type { HTTPMatchRequest, StringMatch } from "../../apis/istio/virtualservice.ts";

/** What of a request decides about its way. */
export interface Facts {
  readonly method: string;
  readonly scheme: "http" | "https";
  /** The Host header, with its port. */
  readonly authority: string;
  /** With the query. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly port: number;
}

/** Whether a request fits: everything that the match asks for holds. Source: Istio's HTTPMatchRequest. */
export function matches(match: HTTPMatchRequest, facts: Facts): boolean {
  const [path = "", query = ""] = facts.path.split(/\?(.*)/s);
  const headerOf = (name: string) => {
    const value = facts.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(",") : (value as string | undefined);
  };
  return (
    fits(match.uri, path, match.ignoreUriCase) &&
    fits(match.scheme, facts.scheme) &&
    fits(match.method, facts.method) &&
    fits(match.authority, facts.authority) &&
    (match.port === undefined || match.port === facts.port) &&
    Object.entries(match.headers ?? {}).every(([name, wanted]) => fitsPresent(wanted, headerOf(name))) &&
    !Object.entries(match.withoutHeaders ?? {}).some(([name, unwanted]) => fitsPresent(unwanted, headerOf(name))) &&
    Object.entries(match.queryParams ?? {}).every(([name, wanted]) => {
      return fitsPresent(wanted, new URLSearchParams(query).get(name) ?? undefined);
    })
  );
}

function fitsPresent(wanted: StringMatch, value: string | undefined): boolean {
  return value !== undefined && fits(wanted, value);
}

function fits(wanted: StringMatch | undefined, value: string, ignoreCase = false): boolean {
  if (!wanted) return true;
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  if (wanted.exact !== undefined) return fold(value) === fold(wanted.exact);
  if (wanted.prefix !== undefined) return fold(value).startsWith(fold(wanted.prefix));
  return wanted.regex === undefined || new RegExp(`^(?:${wanted.regex})$`, ignoreCase ? "i" : "").test(value);
}
