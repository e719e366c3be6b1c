/** A header name: `canonical` is written to HTTP/1 peers (`User-Agent`), `lower` to HTTP/2 peers. */
export interface HeaderName {
  readonly canonical: string;
  readonly lower: string;
  /** What comes before the value in an HTTP/1 head: the end of the line before, and the name with its colon. */
  readonly line: string;
  /** Whether this is the only object with this name, so that it may be compared by identity. */
  readonly interned: boolean;
  /** Tells at once of most names that a list does not have them: one of 32, or all for a name that is not interned. */
  readonly bit: number;
}

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Names of one process's traffic are few; beyond this many, names are made anew each time, so that a peer cannot fill memory. */
const internLimit = 1024;
const maxInternedLength = 64;
const interned = new Map<string, HeaderName>();
const byLower = new Map<string, HeaderName>();
/** By a hash of the spelling; of two spellings with the same hash, the later is found only as a string. */
const byHash = new Map<number, { readonly spelling: string; readonly name: HeaderName }>();

/** The name for a spelling, or undefined when it is not an RFC 9110 token. */
export function headerName(spelling: string): HeaderName | undefined {
  const known = interned.get(spelling);
  if (known) return known;
  if (!tokenPattern.test(spelling)) return undefined;
  const room = interned.size < internLimit && spelling.length <= maxInternedLength;
  const key = room ? detached(spelling) : spelling;
  const lower = key.toLowerCase();
  const name = byLower.get(lower) ?? makeName(lower, room);
  if (room) {
    if (!byLower.has(lower)) byLower.set(lower, name);
    interned.set(key, name);
    const hash = hashOf(key, 0, key.length);
    if (!byHash.has(hash)) byHash.set(hash, { spelling: key, name });
  }
  return name;
}

/** The name that stands in a message, or undefined when it is not a token. Makes no string of one that is known. */
export function headerNameAt(text: string, start: number, end: number): HeaderName | undefined {
  const found = byHash.get(hashOf(text, start, end));
  if (found && found.spelling.length === end - start && text.startsWith(found.spelling, start)) return found.name;
  return headerName(text.substring(start, end));
}

/** A copy of a part of a message: the part itself would keep the whole message alive. */
export function detached(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

function hashOf(text: string, start: number, end: number): number {
  let hash = 0;
  for (let index = start; index < end; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

function makeName(lower: string, isInterned: boolean): HeaderName {
  const canonical = canonicalise(lower);
  const bit = isInterned ? 1 << (byLower.size & 31) : -1;
  return { canonical, lower, line: `\r\n${canonical}: `, interned: isInterned, bit };
}

/** `user-agent` to `User-Agent`, as Go's textproto.CanonicalMIMEHeaderKey does. */
function canonicalise(lower: string): string {
  let result = "";
  let upper = true;
  for (let index = 0; index < lower.length; index++) {
    const character = lower[index]!;
    result += upper ? character.toUpperCase() : character;
    upper = character === "-";
  }
  return result;
}

function known(canonical: string): HeaderName {
  const name = headerName(canonical)!;
  headerName(name.lower);
  return name;
}

/** The names that the proxy itself looks at. Interned, so that they may be compared by identity. */
export const names = {
  connection: known("Connection"),
  proxyConnection: known("Proxy-Connection"),
  keepAlive: known("Keep-Alive"),
  proxyAuthenticate: known("Proxy-Authenticate"),
  proxyAuthorization: known("Proxy-Authorization"),
  te: known("Te"),
  trailer: known("Trailer"),
  transferEncoding: known("Transfer-Encoding"),
  upgrade: known("Upgrade"),
  http2Settings: known("Http2-Settings"),
  contentLength: known("Content-Length"),
  contentType: known("Content-Type"),
  contentEncoding: known("Content-Encoding"),
  contentTypeOptions: known("X-Content-Type-Options"),
  date: known("Date"),
  expect: known("Expect"),
  host: known("Host"),
  userAgent: known("User-Agent"),
  forwarded: known("Forwarded"),
  forwardedFor: known("X-Forwarded-For"),
  forwardedProto: known("X-Forwarded-Proto"),
  forwardedHost: known("X-Forwarded-Host"),
  originalHost: known("K-Original-Host"),
  proxyRequest: known("K-Proxy-Request"),
  networkProbe: known("K-Network-Probe"),
  networkHash: known("K-Network-Hash"),
  kubeletProbe: known("K-Kubelet-Probe"),
  routeTag: known("Knative-Serving-Tag"),
  defaultRoute: known("Knative-Serving-Default-Route"),
  revisionName: known("Knative-Serving-Revision"),
  revisionNamespace: known("Knative-Serving-Namespace"),
  traceParent: known("Traceparent"),
  traceState: known("Tracestate"),
  b3TraceId: known("X-B3-Traceid"),
  b3SpanId: known("X-B3-Spanid"),
  b3Sampled: known("X-B3-Sampled"),
  b3Flags: known("X-B3-Flags"),
} as const;

/** Headers that belong to one connection and are never passed on (RFC 9110 7.6.1 and Go's httputil.ReverseProxy). */
export const hopByHop: ReadonlySet<HeaderName> = new Set([
  names.connection,
  names.proxyConnection,
  names.keepAlive,
  names.proxyAuthenticate,
  names.proxyAuthorization,
  names.te,
  names.trailer,
  names.transferEncoding,
  names.upgrade,
]);

/** A header field and the one after it; values are latin-1 strings (one character per byte). */
export interface HeaderField {
  readonly name: HeaderName;
  readonly value: string;
  next: HeaderField | undefined;
}

/** Header fields in order: a chain, since each message makes some lists and an array costs more than its few fields. */
export class HeaderList {
  first: HeaderField | undefined;
  private last: HeaderField | undefined;
  /** The bits of all names that were added. */
  private bits = 0;

  add(name: HeaderName, value: string): void {
    this.append({ name, value, next: undefined });
  }

  private append(field: HeaderField): void {
    if (this.last) this.last.next = field;
    else this.first = field;
    this.last = field;
    this.bits |= field.name.bit;
  }

  /** The first value, or undefined when the header is absent. */
  get(name: HeaderName): string | undefined {
    return this.find(name)?.value;
  }

  /** Every field's value in order. */
  get values(): string[] {
    const values: string[] = [];
    for (let field = this.first; field; field = field.next) values.push(field.value);
    return values;
  }

  get empty(): boolean {
    return this.first === undefined;
  }

  has(name: HeaderName): boolean {
    return this.find(name) !== undefined;
  }

  /** Whether it has one of these interned names. */
  hasAny(wanted: ReadonlySet<HeaderName>): boolean {
    for (let field = this.first; field; field = field.next) if (wanted.has(field.name)) return true;
    return false;
  }

  /** All values in order. */
  all(name: HeaderName): string[] {
    const values: string[] = [];
    for (let field = this.first; field; field = field.next) {
      if (field.name.lower === name.lower) values.push(field.value);
    }
    return values;
  }

  /** Replaces every value of `name` by one. */
  set(name: HeaderName, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  remove(name: HeaderName): void {
    if (this.has(name)) this.keep((other) => other.lower !== name.lower);
  }

  /** Drops the fields whose name does not satisfy `wanted`. */
  keep(wanted: (name: HeaderName) => boolean): void {
    let field = this.first;
    this.first = undefined;
    this.last = undefined;
    this.bits = 0;
    while (field) {
      const { next } = field;
      field.next = undefined;
      if (wanted(field.name)) this.append(field);
      field = next;
    }
  }

  copy(): HeaderList {
    const result = new HeaderList();
    for (let field = this.first; field; field = field.next) result.add(field.name, field.value);
    return result;
  }

  private find(name: HeaderName): HeaderField | undefined {
    if ((this.bits & name.bit) === 0) return undefined;
    for (let field = this.first; field; field = field.next) {
      if (field.name === name || (!name.interned && field.name.lower === name.lower)) return field;
    }
    return undefined;
  }
}

/** Whether a comma-separated header has `token` among its members, without regard to case. */
export function hasToken(values: readonly string[], token: string): boolean {
  return values.some((value) => value.split(",").some((part) => part.trim().toLowerCase() === token));
}
