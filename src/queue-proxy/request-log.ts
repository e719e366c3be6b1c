import { float, goMap, parseTemplate, struct, type TemplateValue } from "../lib/go-template.ts";
import { type HeaderList, headerName, names } from "./codec/headers.ts";
import type { RequestHead } from "./message.ts";

/** Writes one line per request. Source: serving v0.42.2 pkg/http/request_log.go. */
export interface RequestLog {
  /** Whether probes are logged too. */
  readonly logsProbes: boolean;
  write(request: RequestHead, status: number, size: number, latencyMs: number): void;
}

/** What a template knows about the revision. */
export interface LoggedRevision {
  readonly revision: string;
  readonly namespace: string;
  readonly service: string;
  readonly configuration: string;
  readonly pod: string;
  readonly podIp: string;
}

/** Makes a log of a Go text template; `write` gets whole lines. Throws TemplateError when the template does not parse. */
export function createRequestLog(
  text: string,
  logsProbes: boolean,
  revision: LoggedRevision,
  write: (lines: string) => void,
): RequestLog {
  const template = parseTemplate("requestLog", text.endsWith("\n") ? text : `${text}\n`);
  const revisionValue = struct("*http.RequestLogRevision", {
    Name: revision.revision,
    Namespace: revision.namespace,
    Service: revision.service,
    Configuration: revision.configuration,
    PodName: revision.pod,
    PodIP: revision.podIp,
  });
  return {
    logsProbes,
    write(request, status, size, latencyMs) {
      const latency = float(latencyMs / 1000);
      const data = struct("*http.RequestLogTemplateInput", {
        Request: requestValue(request),
        Response: struct("*http.RequestLogResponse", { Code: status, Size: size, Latency: latency }),
        Revision: revisionValue,
      });
      let lines: string;
      try {
        lines = template.execute(data);
      } catch {
        const url = readable(request.target);
        lines = `Invalid request log template: method: ${request.method}, response code: ${status}, latency: ${latency.value}, url: ${url}\n`;
      }
      write(lines);
    },
  };
}

/** The parts of Go's http.Request; costly ones are made when a template asks for them. */
function requestValue(request: RequestHead): TemplateValue {
  const major = request.protocol === "HTTP/2.0" ? 2 : 1;
  return struct(
    "*http.Request",
    {
      Method: request.method,
      get URL() {
        return urlValue(request);
      },
      Proto: request.protocol,
      ProtoMajor: major,
      ProtoMinor: request.protocol === "HTTP/1.1" ? 1 : 0,
      get Header() {
        return headerValue(request);
      },
      ContentLength: request.bodyLength === "unknown" ? -1 : request.bodyLength,
      Host: readable(request.host),
      RemoteAddr: request.remoteAddress,
      RequestURI: readable(request.requestUri),
    },
    {
      UserAgent: () => readable(request.headers.get(names.userAgent) ?? ""),
      Referer: () => readable(request.headers.get(referer) ?? ""),
    },
  );
}

const referer = headerName("Referer")!;

function urlValue(request: RequestHead): TemplateValue {
  const query = request.target.indexOf("?");
  const rawPath = query < 0 ? request.target : request.target.slice(0, query);
  const text = readable(request.target);
  return struct(
    "*url.URL",
    {
      Scheme: "",
      Host: "",
      Path: unescapePath(rawPath),
      RawPath: "",
      RawQuery: query < 0 ? "" : readable(request.target.slice(query + 1)),
      Fragment: "",
    },
    { String: () => text, RequestURI: () => text, EscapedPath: () => readable(rawPath) },
  );
}

function unescapePath(path: string): string {
  const bytes = path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return readable(bytes);
}

function headerValue(request: RequestHead): TemplateValue {
  const values = new Map<string, string[]>();
  const { headers } = request;
  for (let field = headers.first; field; field = field.next) {
    const { name, value } = field;
    // Inner handlers of upstream have taken these out of the same map by the time the line is written.
    if (name === names.originalHost || name === names.trailer) continue;
    const list = values.get(name.canonical);
    if (list) list.push(readable(value));
    else values.set(name.canonical, [readable(value)]);
  }
  if (typeof request.bodyLength === "number" && request.bodyLength > 0) {
    values.set("Content-Length", [String(request.bodyLength)]);
  }
  const first = (key: string) => readable(firstOf(headers, key));
  return goMap("http.Header", values, [], { Get: (key = "") => first(key) });
}

function firstOf(headers: HeaderList, key: string): string {
  const name = headerName(key);
  return (name && headers.get(name)) ?? "";
}

/** Header bytes are kept as latin-1; what a person reads is mostly UTF-8. */
function readable(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, "latin1").toString("utf8") : latin1;
}
