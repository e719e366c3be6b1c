/** What a client of HTTP/2 says first. */
export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** SETTINGS that change nothing. */
export const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/** A frame as raw bytes. */
export function frame(type: number, flags: number, stream: number, payload = ""): string {
  const { length } = payload;
  const id = String.fromCharCode((stream >> 24) & 255, (stream >> 16) & 255, (stream >> 8) & 255, stream & 255);
  return `${String.fromCharCode(length >> 16, (length >> 8) & 255, length & 255, type, flags)}${id}${payload}`;
}

/** `:method GET, :scheme http, :path /` and a literal `:authority`. */
export const getHeaders = "\x82\x86\x84\x41\x01a";
/** The same by POST. */
export const postHeaders = "\x83\x86\x84\x41\x01a";
/** A request on stream 1 whose body is still to come. */
export const opened = frame(1, 4, 1, postHeaders);

/** A 32-bit number as four bytes. */
export function four(value: number): string {
  return String.fromCharCode(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
}

/** Frames in what was received: type, flags, stream, payload. */
export function frames(text: string): { type: number; flags: number; stream: number; payload: string }[] {
  const result = [];
  for (let at = 0; at + 9 <= text.length; ) {
    const code = (index: number) => text.charCodeAt(at + index);
    const length = (code(0) << 16) | (code(1) << 8) | code(2);
    if (at + 9 + length > text.length) break;
    const stream = ((code(5) & 127) << 24) | (code(6) << 16) | (code(7) << 8) | code(8);
    result.push({ type: code(3), flags: code(4), stream, payload: text.slice(at + 9, at + 9 + length) });
    at += 9 + length;
  }
  return result;
}
