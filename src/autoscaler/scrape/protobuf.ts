/** One field of a protobuf message: its number, and its value by wire type. Fixed 32-bit values are passed over. */
export type ProtobufField =
  | { readonly number: number; readonly type: "varint"; readonly value: number }
  | { readonly number: number; readonly type: "double"; readonly value: number }
  | { readonly number: number; readonly type: "bytes"; readonly value: Uint8Array };

/** Bytes that are not a protobuf message. */
export class ProtobufError extends Error {}

/** The fields of a message, in the order of the wire. Throws ProtobufError where the bytes are malformed. */
export function* readFields(bytes: Uint8Array): Generator<ProtobufField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const need = (count: number) => {
    if (at + count > bytes.length) throw new ProtobufError(`the message ends in the middle of a field (byte ${at})`);
  };
  /** Exact up to 2^53; larger and negative values only have to be passed over. */
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      need(1);
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("the message has an endless varint");
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, type: "varint", value: varint() };
        break;
      case 1:
        need(8);
        at += 8;
        yield { number, type: "double", value: view.getFloat64(at - 8, true) };
        break;
      case 2: {
        const length = varint();
        need(length);
        at += length;
        yield { number, type: "bytes", value: bytes.subarray(at - length, at) };
        break;
      }
      case 5:
        need(4);
        at += 4;
        break;
      default:
        throw new ProtobufError(`the message has a field of unknown wire type ${tag % 8}`);
    }
  }
}

/** A field with a text or a message; nothing where it is empty. */
export function bytesField(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A field with a double; nothing where it is zero. */
export function doubleField(number: number, value: number): Uint8Array {
  if (value === 0) return new Uint8Array(0);
  const bytes = Buffer.alloc(9);
  bytes[0] = number * 8 + 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

/** A field with a whole number that is not negative; nothing where it is zero. */
export function varintField(number: number, value: number): Uint8Array {
  return value === 0 ? new Uint8Array(0) : Buffer.concat([varint(number * 8), varint(value)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Uint8Array.from([...bytes, rest]);
}
