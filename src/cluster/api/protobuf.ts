import { badRequest, unsupportedMediaType } from "./status-errors.ts";
import { type Fields, isMap } from "./typed-values.ts";

/**
 * Reads the protobuf bodies that typed Go clients (`kubectl create deployment`, ...) send. Answers stay JSON.
 * protobuf-fields.json lists, for each message, its fields by number: JSON name and type. Types are `s` string,
 * `b` bool, `i` integer, `f` double, `y` bytes, `T` time, `U` time to the microsecond, `Q` quantity, `I` int-or-string,
 * `R` raw JSON, else a message; `*` marks fields of which zero differs from absence, `[]` lists, `{}` maps by string,
 * `W` a list wrapped in a message; an empty name is spread into its parent.
 * Source of the numbers: k8s.io/api and k8s.io/apimachinery v0.34.4 (struct tags).
 */
interface Table {
  readonly kinds: Readonly<Record<string, string>>;
  readonly messages: Readonly<Record<string, Readonly<Record<string, readonly [name: string, type: string]>>>>;
}

export const protobufMedia = "application/vnd.kubernetes.protobuf";

let loaded: Table | undefined;

/** Loads the table; kept out of the start-up, since most clients speak JSON. */
export async function loadProtobufTable(): Promise<void> {
  loaded ??= (await import("./protobuf-fields.json", { with: { type: "json" } })).default as unknown as Table;
}

const magic = Buffer.from("k8s\0");

/** Decodes an envelope and the object in it. Throws 400 for what is not well formed, 415 for unknown kinds. */
export function decodeProtobuf(body: Buffer): Fields {
  if (!loaded) throw new Error("the protobuf table is not loaded");
  if (!body.subarray(0, 4).equals(magic))
    throw badRequest("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  const envelope = fieldsIn(body.subarray(4));
  const type = fieldsIn(lastBytes(envelope, 1));
  const apiVersion = lastBytes(type, 1).toString();
  const kind = lastBytes(type, 2).toString();
  const message = kind === "DeleteOptions" ? "meta.DeleteOptions" : loaded.kinds[`${apiVersion} ${kind}`];
  if (!message) throw unsupportedMediaType(["application/json", "application/yaml"]);
  return { apiVersion, kind, ...decodeMessage(loaded, message, lastBytes(envelope, 2)) };
}

interface WireField {
  readonly number: number;
  readonly value: bigint | Buffer;
}

/** Splits a message into its fields. */
function fieldsIn(buffer: Buffer): WireField[] {
  const fields: WireField[] = [];
  let offset = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer[offset++];
      if (byte === undefined || shift > 63n) throw badRequest("proto: illegal wireType or unexpected EOF");
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, result);
    }
  };
  const bytes = (length: number): Buffer => {
    if (length < 0 || offset + length > buffer.length) throw badRequest("proto: unexpected EOF");
    offset += length;
    return buffer.subarray(offset - length, offset);
  };
  while (offset < buffer.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    const number = tag >>> 3;
    if (wireType === 0) fields.push({ number, value: varint() });
    else if (wireType === 1) fields.push({ number, value: bytes(8) });
    else if (wireType === 2) fields.push({ number, value: bytes(Number(varint())) });
    else if (wireType === 5) fields.push({ number, value: bytes(4) });
    else throw badRequest(`proto: illegal wireType ${wireType}`);
  }
  return fields;
}

function lastBytes(fields: readonly WireField[], number: number): Buffer {
  const value = fields.findLast((field) => field.number === number)?.value;
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function decodeMessage(table: Table, message: string, buffer: Buffer): Fields {
  const known = table.messages[message];
  if (!known) throw new Error(`protobuf-fields.json lacks the message ${message}`);
  const result: Fields = {};
  for (const { number, value } of fieldsIn(buffer)) {
    const field = known[String(number)];
    if (!field) continue;
    const [name, type] = field;
    const pointer = type.startsWith("*");
    const decoded = decodeValue(table, pointer ? type.slice(1) : type, value, result[name]);
    if (name === "" && isMap(decoded)) Object.assign(result, decoded);
    // Go sends every plain field, set or not; as in its JSON, what is empty counts as absent.
    else if (name !== "" && (pointer || !isZero(decoded))) result[name] = decoded;
  }
  return result;
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === "" || value === 0 || value === false) return true;
  return isMap(value) && Object.keys(value).length === 0;
}

function decodeValue(table: Table, type: string, value: bigint | Buffer, before: unknown): unknown {
  if (type.startsWith("[]")) {
    const list = (before as unknown[] | undefined) ?? [];
    list.push(decodeValue(table, type.slice(2), value, undefined));
    return list;
  }
  const buffer = Buffer.isBuffer(value) ? value : Buffer.alloc(0);
  if (type.startsWith("{}")) {
    const map = (before as Fields | undefined) ?? {};
    const entry = fieldsIn(buffer);
    const held = entry.findLast((field) => field.number === 2)?.value ?? Buffer.alloc(0);
    map[lastBytes(entry, 1).toString()] = decodeValue(table, type.slice(2), held, undefined);
    return map;
  }
  if (type.startsWith("W")) {
    return fieldsIn(buffer).map((item) => decodeValue(table, type.slice(3), item.value, undefined));
  }
  switch (type) {
    case "s":
      return buffer.toString();
    case "b":
      return value === 1n;
    case "i":
      return Number(value);
    case "f":
      return buffer.readDoubleLE();
    case "y":
      return buffer.toString("base64");
    case "Q":
      return lastBytes(fieldsIn(buffer), 1).toString();
    case "R": {
      const raw = lastBytes(fieldsIn(buffer), 1);
      return raw.length === 0 ? undefined : parseRaw(raw);
    }
    case "I":
      return intOrString(fieldsIn(buffer));
    case "T":
    case "U":
      return timeOf(fieldsIn(buffer), type === "U");
    default:
      return decodeMessage(table, type, buffer);
  }
}

function parseRaw(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString());
  } catch {
    throw badRequest("the object holds raw content that is not JSON");
  }
}

const integerIn = (fields: readonly WireField[], number: number) => {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === "bigint" ? Number(value) : 0;
};

function intOrString(fields: readonly WireField[]): number | string {
  return integerIn(fields, 1) === 1 ? lastBytes(fields, 3).toString() : integerIn(fields, 2);
}

/** RFC 3339; undefined for the zero time, which is sent as an empty message. */
function timeOf(fields: readonly WireField[], micro: boolean): string | undefined {
  const seconds = integerIn(fields, 1);
  if (fields.length === 0 || seconds < -62_135_596_800 + 1) return undefined;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${text}.${String(Math.floor(integerIn(fields, 2) / 1000)).padStart(6, "0")}Z` : `${text}Z`;
}
