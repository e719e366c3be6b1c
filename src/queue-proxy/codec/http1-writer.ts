import type { OutgoingHead, RequestHead, ResponseHead } from "../message.ts";
import type { HeaderList } from "./headers.ts";

const reasons: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  102: "Processing",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi-Status",
  208: "Already Reported",
  226: "IM Used",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  305: "Use Proxy",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Request Entity Too Large",
  414: "Request URI Too Long",
  415: "Unsupported Media Type",
  416: "Requested Range Not Satisfiable",
  417: "Expectation Failed",
  418: "I'm a teapot",
  421: "Misdirected Request",
  422: "Unprocessable Entity",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  506: "Variant Also Negotiates",
  507: "Insufficient Storage",
  508: "Loop Detected",
  510: "Not Extended",
  511: "Network Authentication Required",
};

/** The reason phrase that Go's server writes for a status. */
export function reasonPhrase(status: number): string {
  return reasons[status] ?? `status code ${status}`;
}

/** A first line with header fields, the end of the last one missing. Names and values were validated when they were parsed. */
function withFields(firstLine: string, headers: HeaderList): string {
  let text = firstLine;
  // One template and not `+=`: the runtime makes one string of it, not two.
  for (let field = headers.first; field; field = field.next) text = `${text}${field.name.line}${field.value}`;
  return text;
}

/** A request head for a backend. Framing is written from `bodyLength` alone, so there is always exactly one. */
export function requestHead(head: OutgoingHead): string {
  let text = withFields(`${head.method} ${head.target} HTTP/1.1\r\nHost: ${head.host}`, head.headers);
  if (head.bodyLength === "unknown") text += "\r\nTransfer-Encoding: chunked";
  else if (head.bodyLength > 0 || wantsLength(head.method)) text = `${text}\r\nContent-Length: ${head.bodyLength}`;
  if (head.upgrade !== undefined) text += `\r\nConnection: Upgrade\r\nUpgrade: ${head.upgrade}`;
  return `${text}\r\n\r\n`;
}

/** As Go's client: a body of length zero is announced for methods that usually have one. */
function wantsLength(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

/** How the body of a response is delimited for an HTTP/1 client. */
export type ResponseFraming = "none" | "length" | "chunked" | "close";

/** A final response head. */
export function responseHead(
  head: ResponseHead,
  framing: ResponseFraming,
  protocol: RequestHead["protocol"],
  keepAlive: boolean,
): string {
  let text = withFields((protocol === "HTTP/1.1" ? "HTTP/1.1 " : "HTTP/1.0 ") + statusLine(head.status), head.headers);
  if (framing === "chunked") {
    if (head.trailer !== undefined) text += `\r\nTrailer: ${head.trailer}`;
    text += "\r\nTransfer-Encoding: chunked";
  } else if (typeof head.bodyLength === "number" && head.status >= 200 && head.status !== 204) {
    if (!(framing === "none" && head.status === 304 && head.bodyLength === 0))
      text = `${text}\r\nContent-Length: ${head.bodyLength}`;
  }
  if (!keepAlive) text += "\r\nConnection: close";
  else if (protocol === "HTTP/1.0") text += "\r\nConnection: keep-alive";
  return `${text}\r\n\r\n`;
}

/** An informational response, or 101 with its `Connection: Upgrade`. */
export function informationalHead(status: number, headers: HeaderList): string {
  return `${withFields(`HTTP/1.1 ${statusLine(status)}`, headers)}\r\n\r\n`;
}

/** The end of a chunked body. */
export function lastChunk(trailers: HeaderList | undefined): string {
  return trailers ? `${withFields("0", trailers)}\r\n\r\n` : "0\r\n\r\n";
}

/** The answer to a request that cannot be parsed, as Go's server writes it; the connection ends after it. */
export function refusal(status: number, reason: string): string {
  const line = statusLine(status);
  const body = status === 400 ? `${line}: ${reason}` : line;
  return `HTTP/1.1 ${line}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${body}`;
}

/** Those that were needed so far; a status has three digits. */
const statusLines = new Map<number, string>();

/** A status with its reason. */
function statusLine(status: number): string {
  let line = statusLines.get(status);
  if (line === undefined) {
    line = `${status} ${reasonPhrase(status)}`;
    statusLines.set(status, line);
  }
  return line;
}
