import type { BodyLength, Peer, RequestHead, ResponseHead } from "../message.ts";
import { HeaderList, type HeaderName, hasToken, headerName, headerNameAt, names } from "./headers.ts";

/** A message that breaks the protocol; `status` is what a client is told. */
export class ProtocolError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Why a message was refused, as a client sees it. */
function bad(message: string): ProtocolError {
  return new ProtocolError(400, message);
}

/** A parsed HTTP/1 request head. */
export interface Http1RequestHead extends RequestHead {
  readonly protocol: "HTTP/1.0" | "HTTP/1.1";
  readonly keepAlive: boolean;
  readonly expectContinue: boolean;
}

/** A parsed HTTP/1 response head. */
export interface Http1ResponseHead extends ResponseHead {
  /** The body ends with the connection. */
  readonly closeDelimited: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: string | undefined;
}

const methodPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const targetPattern = /^[\x21-\x7e\x80-\xff]+$/;
const hostPattern = /^[!$%&'()*+,\-.:;=@[\]_~0-9A-Za-z]*$/;
const absolutePattern = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)(.*)$/;
const badEscape = /%(?![0-9A-Fa-f]{2})/;
const pathOffenders = /["#<>\\^`{|}\x80-\xff]/g;
const lengthPattern = /^\d{1,15}$/;
const control = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|[^\r]\n|^\n/;
const controlLenient = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)/;
const statusPattern = /^HTTP\/1\.[01] \d{3}(?: [^\r\n]*)?\r?\n/;

/**
 * Parses a request head: everything up to and including the empty line, as latin-1. Strict by design: what another
 * parser might read differently is refused (bare CR or LF, folded lines, spaces before the colon, two framings, ...).
 * Throws ProtocolError. Source of the statuses: Go net/http server.
 */
export function parseRequestHead(text: string, peer: Peer): Http1RequestHead {
  if (control.test(text)) throw bad("invalid character in head");
  const lineEnd = text.indexOf("\r\n");
  const methodEnd = text.indexOf(" ");
  const targetEnd = text.indexOf(" ", methodEnd + 1);
  if (methodEnd <= 0 || targetEnd < 0 || targetEnd > lineEnd) throw bad("malformed request line");
  const method = text.startsWith("GET ") ? "GET" : text.substring(0, methodEnd);
  const requestUri = text.substring(methodEnd + 1, targetEnd);
  if (!methodPattern.test(method) || !targetPattern.test(requestUri)) throw bad("malformed request line");
  const minor = text.startsWith("HTTP/1.1\r\n", targetEnd + 1) ? 1 : 0;
  if (minor === 0 && !text.startsWith("HTTP/1.0\r\n", targetEnd + 1)) {
    if (/^HTTP\/\d\.\d$/.test(text.substring(targetEnd + 1, lineEnd))) {
      throw new ProtocolError(505, "unsupported protocol version");
    }
    throw bad("malformed HTTP version");
  }

  const headers = new HeaderList();
  readFields(text, lineEnd + 2, "\r\n", headers);
  if (framing.hosts > 1) throw bad("too many Host headers");
  if (framing.host === undefined && minor === 1) throw bad("missing required Host header");
  let host = framing.host ?? "";
  if (!hostPattern.test(host)) throw bad("malformed Host header");

  let target = requestUri;
  if (target.charCodeAt(0) !== 0x2f && !(target === "*" && method === "OPTIONS")) {
    const absolute = absolutePattern.exec(target);
    if (method === "CONNECT") throw new ProtocolError(405, "CONNECT is not supported");
    if (!absolute || !hostPattern.test(absolute[1]!) || absolute[1]!.includes("@"))
      throw bad("malformed request target");
    host = absolute[1]!;
    target = absolute[2]!.startsWith("/") ? absolute[2]! : `/${absolute[2]!}`;
  }

  if (framing.transferEncoding !== undefined) {
    if (minor === 0) throw bad("Transfer-Encoding in an HTTP/1.0 request");
    if (framing.transferEncoding !== "chunked") throw new ProtocolError(501, "unsupported transfer encoding");
    if (framing.contentLength !== undefined) throw bad("both Content-Length and Transfer-Encoding");
  }
  return {
    method,
    target: normaliseTarget(target),
    requestUri,
    host,
    protocol: minor === 1 ? "HTTP/1.1" : "HTTP/1.0",
    headers,
    bodyLength: framing.transferEncoding !== undefined ? "unknown" : (framing.contentLength ?? 0),
    keepAlive: keepsAlive(minor, headers),
    upgrade: minor === 1 ? upgradeToken(headers) : undefined,
    expectContinue: minor === 1 && headers.get(names.expect)?.toLowerCase() === "100-continue",
    secure: peer.secure,
    remoteAddress: peer.remoteAddress,
  };
}

/** Percent-encodes what a path may not contain, as Go's URL does; the query passes as it is. Throws ProtocolError. */
export function normaliseTarget(target: string): string {
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.substring(0, query);
  if (path.includes("%") && badEscape.test(path)) throw bad("invalid escape in request target");
  if (path.search(pathOffenders) < 0) return target;
  const encoded = path.replace(pathOffenders, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return query < 0 ? encoded : encoded + target.substring(query);
}

/**
 * Parses a response head (latin-1, up to and including the empty line) to a request with `method`. Lines may end in a
 * bare LF, as Go's client allows; they are normalised. Throws ProtocolError 502.
 */
export function parseResponseHead(text: string, method: string): Http1ResponseHead {
  const lineFeed = text.indexOf("\n");
  if (!statusPattern.test(text)) {
    const crlf = text.charCodeAt(lineFeed - 1) === 13;
    throw malformedResponse(text.substring(0, crlf ? lineFeed - 1 : lineFeed));
  }
  if (controlLenient.test(text)) throw new ProtocolError(502, "malformed MIME header: invalid character");
  const minor = digitAt(text, 7) === 1 ? 1 : 0;
  const code = 100 * digitAt(text, 9) + 10 * digitAt(text, 10) + digitAt(text, 11);
  const headers = new HeaderList();
  try {
    readFields(text, lineFeed + 1, "\n", headers);
  } catch (error) {
    throw new ProtocolError(502, `malformed MIME header: ${(error as Error).message}`);
  }
  if (framing.transferEncoding !== undefined && framing.transferEncoding !== "chunked") {
    throw new ProtocolError(502, `unsupported transfer encoding: "${framing.transferEncoding}"`);
  }
  const both = framing.transferEncoding !== undefined && framing.contentLength !== undefined;
  const bodyless = code < 200 || code === 204 || code === 304;
  let bodyLength: BodyLength = "unknown";
  let closeDelimited = false;
  if (bodyless || method === "HEAD")
    bodyLength = code >= 200 && code !== 204 ? (framing.contentLength ?? "unknown") : 0;
  else if (framing.transferEncoding !== undefined) bodyLength = "unknown";
  else if (framing.contentLength !== undefined) bodyLength = framing.contentLength;
  else closeDelimited = true;
  return {
    status: code,
    headers,
    bodyLength,
    closeDelimited,
    keepAlive: keepsAlive(minor, headers) && !both && !closeDelimited,
    upgrade: code === 101 ? upgradeToken(headers) : undefined,
    trailer: framing.trailer,
  };
}

function digitAt(text: string, index: number): number {
  return text.charCodeAt(index) - 0x30;
}

/** The error for bytes that are not a response; the text is Go's. */
export function malformedResponse(line: string): ProtocolError {
  const text = `net/http: HTTP/1.x transport connection broken: malformed HTTP response ${JSON.stringify(line)}`;
  return new ProtocolError(502, text);
}

/** Parses trailer fields; `text` ends with the empty line. Throws ProtocolError. */
export function parseTrailers(text: string): HeaderList {
  if (control.test(text)) throw bad("invalid character in trailers");
  const trailers = new HeaderList();
  readFields(text, 0, "\r\n", trailers);
  if (framing.hosts > 0 || framing.contentLength !== undefined || framing.transferEncoding !== undefined) {
    throw bad("framing header in trailers");
  }
  trailers.keep((name) => name !== names.trailer && name !== names.connection);
  return trailers;
}

/** What a head's fields say about the message. */
interface Framing {
  host: string | undefined;
  hosts: number;
  contentLength: number | undefined;
  transferEncoding: string | undefined;
  trailer: string | undefined;
}

/** Of the head that is being read: one object for all, since each is read in one go. */
const framing: Framing = {
  host: undefined,
  hosts: 0,
  contentLength: undefined,
  transferEncoding: undefined,
  trailer: undefined,
};

/** Reads `name: value` lines from `position` to the empty line into `headers` and `framing`. Throws ProtocolError. */
function readFields(text: string, position: number, newline: "\r\n" | "\n", headers: HeaderList): void {
  framing.host = undefined;
  framing.hosts = 0;
  framing.contentLength = undefined;
  framing.transferEncoding = undefined;
  framing.trailer = undefined;
  for (;;) {
    const newlineAt = text.indexOf(newline, position);
    if (newlineAt < 0) throw bad("unterminated head");
    let end = newlineAt;
    if (newline === "\n" && end > position && text.charCodeAt(end - 1) === 13) end--;
    if (end === position) return;
    const colon = text.indexOf(":", position);
    if (colon < 0 || colon >= end) throw bad("malformed header line");
    const name = headerNameAt(text, position, colon);
    if (!name) throw bad("invalid header name");
    takeField(name, trimmed(text, colon + 1, end), headers);
    position = newlineAt + newline.length;
  }
}

function takeField(name: HeaderName, value: string, headers: HeaderList): void {
  if (name === names.host) {
    framing.hosts++;
    framing.host = value;
  } else if (name === names.contentLength) {
    if (!lengthPattern.test(value)) throw bad("bad Content-Length");
    const length = Number(value);
    if (framing.contentLength !== undefined && framing.contentLength !== length) throw bad("differing Content-Length");
    framing.contentLength = length;
  } else if (name === names.transferEncoding) {
    if (framing.transferEncoding !== undefined) throw new ProtocolError(501, "too many transfer encodings");
    framing.transferEncoding = value.toLowerCase();
  } else {
    if (name === names.trailer) {
      if (!value.split(",").every((part) => announceable(part.trim()))) throw bad("bad trailer key");
      framing.trailer = framing.trailer === undefined ? value : `${framing.trailer}, ${value}`;
    }
    headers.add(name, value);
  }
}

/** Whether a trailer may be announced: a token, and nothing that frames. */
function announceable(spelling: string): boolean {
  const name = headerName(spelling);
  return (
    name !== undefined && name !== names.contentLength && name !== names.transferEncoding && name !== names.trailer
  );
}

function trimmed(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.substring(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function keepsAlive(minor: 0 | 1, headers: HeaderList): boolean {
  if (!headers.has(names.connection)) return minor === 1;
  const values = headers.all(names.connection);
  return minor === 1 ? !hasToken(values, "close") : hasToken(values, "keep-alive") && !hasToken(values, "close");
}

function upgradeToken(headers: HeaderList): string | undefined {
  if (!headers.has(names.upgrade) || !hasToken(headers.all(names.connection), "upgrade")) return undefined;
  return headers.get(names.upgrade);
}
