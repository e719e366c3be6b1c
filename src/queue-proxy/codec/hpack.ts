import { decodeHuffman } from "./huffman.ts";

/** A header field as HPACK carries it: lower-case name (also pseudo-headers such as `:path`) and latin-1 value. */
export interface Field {
  readonly name: string;
  readonly value: string;
}

/** Takes the fields of a header block. */
export interface FieldSink {
  take(name: string, value: string): void;
}

/** A header block that cannot be decoded: the connection is lost, since the tables differ. */
export class HpackError extends Error {}

/** RFC 7541 appendix A, entries 1 to 61: `name` or `name=value`. */
const staticTable: readonly Field[] = (
  ":authority;:method=GET;:method=POST;:path=/;:path=/index.html;:scheme=http;:scheme=https;:status=200;:status=204;" +
  ":status=206;:status=304;:status=400;:status=404;:status=500;accept-charset;accept-encoding=gzip, deflate;" +
  "accept-language;accept-ranges;accept;access-control-allow-origin;age;allow;authorization;cache-control;" +
  "content-disposition;content-encoding;content-language;content-length;content-location;content-range;content-type;" +
  "cookie;date;etag;expect;expires;from;host;if-match;if-modified-since;if-none-match;if-range;if-unmodified-since;" +
  "last-modified;link;location;max-forwards;proxy-authenticate;proxy-authorization;range;referer;refresh;retry-after;" +
  "server;set-cookie;strict-transport-security;transfer-encoding;user-agent;vary;via;www-authenticate"
)
  .split(";")
  .map((entry) => {
    const [name = "", value = ""] = entry.split("=");
    return { name, value };
  });
/** What the encoder knows of a name: its first index in the static table (0: none), and those of its values there. */
interface StaticName {
  readonly index: number;
  readonly values: Map<string, number>;
}

const unknownName: StaticName = { index: 0, values: new Map() };
const staticNames = new Map<string, StaticName>();
staticTable.forEach(({ name, value }, at) => {
  const known = staticNames.get(name) ?? { index: at + 1, values: new Map() };
  staticNames.set(name, known);
  if (value !== "") known.values.set(value, at + 1);
});

const entryOverhead = 32;
/** Names whose values rarely repeat, or must not be remembered: sent as literals. */
const unindexed: ReadonlySet<string> = new Set([
  ":path",
  "age",
  "authorization",
  "content-length",
  "cookie",
  "date",
  "etag",
  "if-modified-since",
  "if-none-match",
  "last-modified",
  "location",
  "set-cookie",
  "traceparent",
  "x-b3-spanid",
  "x-b3-traceid",
  "x-request-id",
]);
const sensitive: ReadonlySet<string> = new Set(["authorization", "cookie", "set-cookie"]);

/** The entries that both sides remember, newest first, at most `capacity` bytes. */
class DynamicTable {
  capacity: number;
  private readonly entries: Field[] = [];
  private size = 0;
  private added = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Entry number `index` from 0, the newest. */
  at(index: number): Field | undefined {
    return this.entries[this.entries.length - 1 - index];
  }

  /** A number that stays with the next entry; `position` turns it into an index. */
  get nextSerial(): number {
    return this.added;
  }

  /** The index of the entry with this serial number, or -1 when it is forgotten. */
  position(serial: number): number {
    const index = this.added - 1 - serial;
    return index < this.entries.length ? index : -1;
  }

  add(field: Field): void {
    const size = field.name.length + field.value.length + entryOverhead;
    this.added++;
    this.evict(this.capacity - size);
    if (size > this.capacity) return;
    this.entries.push(field);
    this.size += size;
  }

  resize(capacity: number): void {
    this.capacity = capacity;
    this.evict(capacity);
  }

  private evict(limit: number): void {
    let dropped = 0;
    while (this.size > limit && dropped < this.entries.length) {
      const oldest = this.entries[dropped++]!;
      this.size -= oldest.name.length + oldest.value.length + entryOverhead;
    }
    if (dropped > 0) this.entries.splice(0, dropped);
  }
}

/** Decodes the header blocks of one direction of a connection. */
export class HpackDecoder {
  private readonly table: DynamicTable;
  private readonly limit: number;
  private bytes: Buffer = Buffer.alloc(0);
  private position = 0;
  private end = 0;

  /** `limit` is the table size that we announced. */
  constructor(limit: number) {
    this.table = new DynamicTable(limit);
    this.limit = limit;
  }

  /** Hands every field of a whole header block, which lies in `bytes` from `start` to `end`, to `sink`. Throws HpackError. */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    let fields = 0;
    while (this.position < end) {
      const first = bytes[this.position]!;
      if (first & 0x80) {
        const { name, value } = this.lookup(this.integer(7));
        sink.take(name, value);
        fields++;
      } else if ((first & 0xc0) === 0x40) {
        const name = this.literalName(6);
        const value = this.text();
        this.table.add({ name, value });
        sink.take(name, value);
        fields++;
      } else if ((first & 0xe0) === 0x20) {
        const size = this.integer(5);
        if (size > this.limit || fields > 0) throw new HpackError("invalid dynamic table size update");
        this.table.resize(size);
      } else {
        const name = this.literalName(4);
        sink.take(name, this.text());
        fields++;
      }
    }
  }

  private literalName(prefix: number): string {
    const index = this.integer(prefix);
    return index === 0 ? this.text() : this.lookup(index).name;
  }

  private lookup(index: number): Field {
    const field = index <= staticTable.length ? staticTable[index - 1] : this.table.at(index - staticTable.length - 1);
    if (!field) throw new HpackError(`invalid header index ${index}`);
    return field;
  }

  private integer(prefix: number): number {
    const mask = (1 << prefix) - 1;
    let value = this.bytes[this.position++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.position >= this.end) break;
      const byte = this.bytes[this.position++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new HpackError("malformed integer");
  }

  private text(): string {
    if (this.position >= this.end) throw new HpackError("truncated string");
    const coded = (this.bytes[this.position]! & 0x80) !== 0;
    const length = this.integer(7);
    const start = this.position;
    const end = start + length;
    if (end > this.end) throw new HpackError("truncated string");
    this.position = end;
    if (!coded) return this.bytes.toString("latin1", start, end);
    const text = decodeHuffman(this.bytes, start, end);
    if (text === undefined) throw new HpackError("malformed Huffman code");
    return text;
  }
}

/** Encodes the header blocks of one direction of a connection, without Huffman coding: loopback bytes are cheaper than CPU. */
export class HpackEncoder {
  private readonly table = new DynamicTable(4096);
  private readonly serials = new Map<string, Map<string, number>>();
  private remembered = 0;
  /** The smallest table that was allowed since the last block; undefined: none was. */
  private smallest: number | undefined;
  private out = Buffer.allocUnsafeSlow(4096);
  private used = 0;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; we never use more than 4096 bytes. */
  setLimit(size: number): void {
    const capacity = Math.min(size, 4096);
    if (capacity === this.table.capacity) return;
    this.table.resize(capacity);
    this.smallest = Math.min(this.smallest ?? capacity, capacity);
  }

  /** Starts a block. */
  begin(): void {
    this.used = 0;
    if (this.smallest === undefined) return;
    // A peer that made its table smaller for a while has to hear of that too (RFC 7541 4.2).
    if (this.smallest < this.table.capacity) this.integer(this.smallest, 5, 0x20);
    this.integer(this.table.capacity, 5, 0x20);
    this.smallest = undefined;
  }

  /** Adds a field to the block. */
  field(name: string, value: string): void {
    const { index: nameIndex, values } = staticNames.get(name) ?? unknownName;
    const fixed = values.size > 0 ? values.get(value) : undefined;
    if (fixed !== undefined) {
      this.integer(fixed, 7, 0x80);
      return;
    }
    if (unindexed.has(name) || value.length > 512) {
      this.integer(nameIndex, 4, sensitive.has(name) ? 0x10 : 0);
    } else {
      const position = this.find(name, value);
      if (position >= 0) {
        this.integer(staticTable.length + 1 + position, 7, 0x80);
        return;
      }
      this.remember(name, value);
      this.integer(nameIndex, 6, 0x40);
    }
    if (nameIndex === 0) this.text(name);
    this.text(value);
  }

  /** The block so far, up to `length`; valid until the next call. */
  get bytes(): Buffer {
    return this.out;
  }

  get length(): number {
    return this.used;
  }

  private find(name: string, value: string): number {
    const serial = this.serials.get(name)?.get(value);
    return serial === undefined ? -1 : this.table.position(serial);
  }

  private remember(name: string, value: string): void {
    // Entries that the table has dropped stay here until the next sweep, which keeps the map as small as the table.
    if (++this.remembered > 256) {
      this.serials.clear();
      this.remembered = 0;
    }
    let values = this.serials.get(name);
    if (!values) {
      values = new Map();
      this.serials.set(name, values);
    }
    values.set(value, this.table.nextSerial);
    this.table.add({ name, value });
  }

  private integer(value: number, prefix: number, pattern: number): void {
    this.reserve(6);
    const mask = (1 << prefix) - 1;
    if (value < mask) {
      this.out[this.used++] = pattern | value;
      return;
    }
    this.out[this.used++] = pattern | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) this.out[this.used++] = (rest & 0x7f) | 0x80;
    this.out[this.used++] = rest;
  }

  private text(text: string): void {
    this.integer(text.length, 7, 0);
    this.reserve(text.length);
    this.used += this.out.write(text, this.used, "latin1");
  }

  private reserve(room: number): void {
    if (this.used + room <= this.out.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.used + room));
    this.out.copy(larger, 0, 0, this.used);
    this.out = larger;
  }
}
