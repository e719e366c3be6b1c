import { goQuote } from "./go-quote.ts";

/** A URL that Go refuses; the message is its own. */
export class UrlError extends Error {}

/** The parts of a URL that a host template's result is judged by. */
export interface ParsedUrl {
  /** Without port and brackets. */
  readonly hostname: string;
  /** Path and query as a request line would show them; "/" where there are none. */
  readonly requestUri: string;
}

/** Parses `https://` and what follows it. Throws UrlError. Source: Go net/url.Parse. */
export function parseHttpsUrl(afterScheme: string): ParsedUrl {
  const url = `https://${afterScheme}`;
  const refuse = (problem: string) => new UrlError(`parse ${goQuote(url)}: ${problem}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(afterScheme)) throw refuse("net/url: invalid control character in URL");
  const [, authority, path, query] = /^([^/?#]*)([^?#]*)(\?[^#]*)?/.exec(afterScheme)! as unknown as [
    string,
    string,
    string,
    string | undefined,
  ];
  const at = authority.lastIndexOf("@");
  if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at))) {
    throw refuse("net/url: invalid userinfo");
  }
  const hostname = readHost(authority.slice(at + 1), refuse);
  const badEscape = /%(?![\dA-Fa-f]{2}).{0,2}/s.exec(path);
  if (badEscape) throw refuse(`invalid URL escape ${goQuote(badEscape[0])}`);
  return { hostname, requestUri: `${encodePath(path) || "/"}${query ?? ""}` };
}

function readHost(host: string, refuse: (problem: string) => UrlError): string {
  const isBracketed = host.startsWith("[");
  const bracket = host.lastIndexOf("]");
  if (isBracketed && bracket < 0) throw refuse("missing ']' in host");
  const colon = isBracketed ? bracket + 1 : host.lastIndexOf(":");
  const port = colon >= 0 ? host.slice(colon) : "";
  if (!/^(?::\d*)?$/.test(port)) throw refuse(`invalid port ${goQuote(port)} after host`);
  const name = colon >= 0 ? host.slice(0, colon) : host;
  for (const found of name.matchAll(/%.{0,2}|[^A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"\u0080-\u{10ffff}]/gsu)) {
    const [text] = found;
    if (!text.startsWith("%")) throw refuse(`invalid character ${goQuote(text)} in host name`);
    // Of ASCII characters only "%" itself may be escaped.
    if (!/^%(?:25|[89A-Fa-f][\dA-Fa-f])$/.test(text)) throw refuse(`invalid URL escape ${goQuote(text)}`);
  }
  return isBracketed ? name.slice(1, -1) : name;
}

function encodePath(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9\-_.~!$&'()*+,;=:@/%[\]]/gu, (character) => encodeURIComponent(character));
}
