import { HpackDecoder } from "./codec/hpack.ts";
import { Http2Headers } from "./codec/http2-headers.ts";

/** A frame as text in Latin-1. */
export function frame(type: number, flags: number, stream: number, payload = ""): string {
  const { length } = payload;
  const head = String.fromCharCode(length >> 16, (length >> 8) & 255, length & 255, type, flags);
  return head + four(stream) + payload;
}
export const four = (value: number) =>
  String.fromCharCode(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
export const field = (name: string, value: string) =>
  `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
export const ended = 1;
export const endHeaders = 4;
export const data = (text: string, flags = 0, stream = 1) => frame(0, flags, stream, text);
export const headers = (block: string, flags = endHeaders, stream = 1) => frame(1, flags, stream, block);
export const reset = (code: number, stream = 1) => frame(3, 0, stream, four(code));
export const goaway = (last: number) => frame(7, 0, 0, four(last) + four(0));
export const settings = (maxStreams?: number) =>
  frame(4, 0, 0, maxStreams === undefined ? "" : `\0\x03${four(maxStreams)}`);
export const initialWindow = (bytes: number) => frame(4, 0, 0, `\0\x04${four(bytes)}`);
export const widened = (bytes: number, stream: number) => frame(8, 0, stream, four(bytes));

const frameNames = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY"];

/**
 * The frames in what one side has sent, as "DATA 1 of 5, ended"; of heads, status and length are told. SETTINGS and
 * WINDOW_UPDATE are left out.
 */
export function framesIn(text: string): string[] {
  const preface = text.startsWith("PRI") ? text.indexOf("SM\r\n\r\n") + 6 : 0;
  const bytes = Buffer.from(text.slice(preface), "latin1");
  const decoder = new HpackDecoder(4096);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const type = bytes[at + 3]!;
    const stream = bytes.readUInt32BE(at + 5);
    const start = at + 9;
    const end = bytes[at + 4]! & ended && type < 2 ? ", ended" : "";
    if (type === 0) found.push(`DATA ${stream} of ${length}${end}`);
    else if (type === 1) {
      const { status, contentLength } = decoded(decoder, bytes, start, start + length);
      const head = [status, contentLength !== undefined && `length ${contentLength}`].filter(Boolean);
      found.push(`HEADERS ${stream}${head.length > 0 ? `: ${head.join(", ")}` : ""}${end}`);
    } else if (type === 3) found.push(`RST_STREAM ${stream} code ${bytes.readUInt32BE(start)}`);
    else if (type === 7) found.push(`GOAWAY code ${bytes.readUInt32BE(start + 4)}`);
    else if (type !== 4 && type !== 8) found.push(frameNames[type]!);
    at = start + length;
  }
  return found;
}

function decoded(decoder: HpackDecoder, bytes: Buffer, start: number, end: number): Http2Headers {
  const headers = new Http2Headers(100_000);
  decoder.decode(bytes, start, end, headers);
  return headers;
}

/** By how much one side has widened a window so far. */
export function widenedIn(text: string, stream: number): number {
  const bytes = Buffer.from(text.slice(text.startsWith("PRI") ? text.indexOf("SM\r\n\r\n") + 6 : 0), "latin1");
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === 8 && bytes.readUInt32BE(at + 5) === stream) sum += bytes.readUInt32BE(at + 9);
  }
  return sum;
}
