/** The parts of DER (X.690) that certificates are made of. Every function returns the encoding of one value. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  generalizedTime: 0x18,
  utcTime: 0x17,
} as const;

export function sequence(...parts: readonly Buffer[]): Buffer {
  return value(tags.sequence, Buffer.concat(parts));
}

export function set(...parts: readonly Buffer[]): Buffer {
  return value(tags.set, Buffer.concat(parts));
}

export function boolean(truth: boolean): Buffer {
  return value(tags.boolean, Buffer.of(truth ? 0xff : 0));
}

/** A number that is not negative, big-endian. */
export function integer(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  return value(tags.integer, trimmed[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), trimmed]) : trimmed);
}

/** `unusedBits` of the last byte do not count. */
export function bitString(bytes: Buffer, unusedBits = 0): Buffer {
  return value(tags.bitString, Buffer.concat([Buffer.of(unusedBits), bytes]));
}

export function octetString(bytes: Buffer): Buffer {
  return value(tags.octetString, bytes);
}

export function utf8String(text: string): Buffer {
  return value(tags.utf8String, Buffer.from(text));
}

/** `id` in dotted form. */
export function objectIdentifier(id: string): Buffer {
  const [first, second, ...rest] = id.split(".").map(Number) as [number, number, ...number[]];
  return value(tags.objectIdentifier, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** A time to the second: of two digits for the year until 2049, as RFC 5280 wants it. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return Number(digits.slice(0, 4)) < 2050
    ? value(tags.utcTime, Buffer.from(digits.slice(2)))
    : value(tags.generalizedTime, Buffer.from(digits));
}

/** A value whose meaning its place gives: `[index]`, holding other values or, where primitive, bytes. */
export function context(index: number, content: Buffer, form: "constructed" | "primitive" = "constructed"): Buffer {
  return value((form === "constructed" ? 0xa0 : 0x80) | index, content);
}

/** The encodings of the values in a constructed value. */
export function parts(encoded: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const { contentAt, end } = extent(encoded, 0);
  for (let at = contentAt; at < end; ) {
    const next = extent(encoded, at).end;
    found.push(encoded.subarray(at, next));
    at = next;
  }
  return found;
}

function extent(encoded: Buffer, at: number): { contentAt: number; end: number } {
  const first = encoded[at + 1];
  if (first === undefined) throw new Error("the DER encoding is cut off");
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const contentAt = at + 2 + lengthBytes;
  const length = lengthBytes === 0 ? first : encoded.readUIntBE(at + 2, lengthBytes);
  if (contentAt + length > encoded.length) throw new Error("the DER encoding is cut off");
  return { contentAt, end: contentAt + length };
}

function value(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.of(0x80 | bytes.length, ...bytes);
}

function base128(number: number): number[] {
  const bytes = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift((rest % 128) | 0x80);
  return bytes;
}
