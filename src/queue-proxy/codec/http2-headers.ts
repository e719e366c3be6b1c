import type { BodyLength, OutgoingHead, ResponseHead } from "../message.ts";
import { HeaderList, type HeaderName, headerName, names } from "./headers.ts";
import type { FieldSink, HpackEncoder } from "./hpack.ts";

/** A decoded header block, sorted into pseudo-headers, framing, and the rest. */
export class Http2Headers implements FieldSink {
  readonly headers = new HeaderList();
  method: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
  path: string | undefined;
  status: string | undefined;
  /** How many pseudo-headers there were. */
  pseudoCount = 0;
  contentLength: number | undefined;
  host: string | undefined;
  /** Why the message is malformed (RFC 9113 8.1.1), or undefined. */
  malformed: string | undefined;
  /** As SETTINGS_MAX_HEADER_LIST_SIZE counts it. */
  size = 0;
  private readonly limit: number;

  /** What comes after `limit` bytes, as `size` counts them, is counted but not kept. */
  constructor(limit: number) {
    this.limit = limit;
  }

  take(name: string, value: string): void {
    this.size += name.length + value.length + 32;
    if (this.malformed !== undefined || this.size > this.limit) return;
    if (forbiddenValue.test(value)) {
      this.malformed = `invalid value of ${name}`;
    } else if (name.charCodeAt(0) === 0x3a) {
      this.takePseudo(name, value);
    } else {
      const known = headerName(name);
      if (!known || known.lower !== name) this.malformed = "invalid header name";
      else this.takeHeader(known, value);
    }
  }

  /** The body's length, when END_STREAM was or was not set with the head. */
  bodyLength(endStream: boolean): BodyLength {
    return endStream ? 0 : this.contentLength || "unknown";
  }

  private takePseudo(name: string, value: string): void {
    const late = !this.headers.empty || this.host !== undefined || this.contentLength !== undefined;
    const key = pseudoHeaders.get(name);
    if (late || key === undefined || this[key] !== undefined) {
      this.malformed = `unexpected ${name}`;
    } else {
      this[key] = value;
      this.pseudoCount++;
    }
  }

  private takeHeader(name: HeaderName, value: string): void {
    if (name === names.contentLength) {
      const length = /^\d{1,15}$/.test(value) ? Number(value) : -1;
      if (length < 0 || (this.contentLength !== undefined && this.contentLength !== length)) {
        this.malformed = "bad content-length";
      }
      this.contentLength = length;
    } else if (name === names.host) {
      if (this.host !== undefined) this.malformed = "too many host headers";
      this.host = value;
    } else if (connectionSpecific.has(name) || (name === names.te && value.toLowerCase() !== "trailers")) {
      this.malformed = `connection-specific header ${name.lower}`;
    } else if (name.lower === "cookie" && this.headers.has(name)) {
      // Crumbs of one cookie header (RFC 9113 8.2.3).
      this.headers.set(name, `${this.headers.get(name)}; ${value}`);
    } else {
      this.headers.add(name, value);
    }
  }
}

const forbiddenValue = /[^\t\x20-\x7e\x80-\xff]/;
const pseudoHeaders: ReadonlyMap<string, "method" | "scheme" | "authority" | "path" | "status"> = new Map([
  [":method", "method"],
  [":scheme", "scheme"],
  [":authority", "authority"],
  [":path", "path"],
  [":status", "status"],
] as const);
const connectionSpecific: ReadonlySet<HeaderName> = new Set([
  names.connection,
  names.proxyConnection,
  names.keepAlive,
  names.transferEncoding,
  names.upgrade,
]);

/** Encodes a request head: the encoder's block. */
export function encodeRequest(encoder: HpackEncoder, head: OutgoingHead): void {
  encoder.begin();
  encoder.field(":method", head.method);
  encoder.field(":scheme", "http");
  encoder.field(":authority", head.host);
  encoder.field(":path", head.target);
  encodeFields(encoder, head.headers);
  if (typeof head.bodyLength === "number" && head.bodyLength > 0) {
    encoder.field("content-length", String(head.bodyLength));
  }
}

/** Encodes a response head: the encoder's block. */
export function encodeResponse(encoder: HpackEncoder, head: ResponseHead): void {
  encoder.begin();
  encoder.field(":status", String(head.status));
  encodeFields(encoder, head.headers);
  if (typeof head.bodyLength === "number" && head.status !== 204 && head.status !== 304 && head.status >= 200) {
    encoder.field("content-length", String(head.bodyLength));
  }
  if (head.trailer !== undefined) encoder.field("trailer", head.trailer);
}

/** Encodes trailers: the encoder's block. */
export function encodeTrailers(encoder: HpackEncoder, trailers: HeaderList): void {
  encoder.begin();
  encodeFields(encoder, trailers);
}

function encodeFields(encoder: HpackEncoder, headers: HeaderList): void {
  for (let field = headers.first; field; field = field.next) encoder.field(field.name.lower, field.value);
}
