import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { afterEach, test } from "node:test";
import { constants, createDeflate } from "node:zlib";
import { type SpdyStream, serveSpdy } from "./spdy.ts";
import { headerDictionary } from "./spdy-dictionary.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A connection, as the client sees it. */
function connected() {
  const [client, server] = duplexPair();
  const streams: SpdyStream[] = [];
  const ended = serveSpdy(server, (stream) => streams.push(stream));
  const deflater = createDeflate({ dictionary: headerDictionary });
  closers.push(() => {
    client.destroy();
    deflater.close();
  });
  let received = Buffer.alloc(0);
  client.on("data", (part: Buffer) => {
    received = Buffer.concat([received, part]);
  });
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };
  /** SYN_STREAM; headers are compressed in one context for the whole connection. */
  const open = async (id: number, headers: Record<string, string>, flags = 0): Promise<Buffer> => {
    const entries = Object.entries(headers);
    const block = [counted(entries.length), ...entries.flatMap(([name, value]) => [text(name), text(value)])];
    deflater.write(Buffer.concat(block));
    await new Promise<void>((resolve) => deflater.flush(constants.Z_SYNC_FLUSH, resolve));
    return control(1, Buffer.concat([counted(id), Buffer.alloc(6), deflater.read() as Buffer]), flags);
  };
  return { client, streams, ended, open, until, received: () => framesIn(received) };
}

function counted(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const text = (value: string) => Buffer.concat([counted(value.length), Buffer.from(value)]);

function control(type: number, body: Buffer, flags = 0): Buffer {
  const head = counted(body.length);
  head[0] = flags;
  return Buffer.concat([Buffer.from([0x80, 3, 0, type]), head, body]);
}

function data(id: number, body: string, flags = 0): Buffer {
  const head = counted(body.length);
  head[0] = flags;
  return Buffer.concat([counted(id), head, Buffer.from(body)]);
}

/** Control frames by their types and streams, and data. */
function framesIn(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += 8 + bytes.readUIntBE(at + 5, 3)) {
    const end = bytes[at + 4] === 1 ? ", ended" : "";
    const length = bytes.readUIntBE(at + 5, 3);
    if (bytes[at]! & 0x80) found.push(`type ${bytes.readUInt16BE(at + 2)} of ${bytes.readUInt32BE(at + 8)}`);
    else found.push(`${bytes.toString("utf8", at + 8, at + 8 + length)} on ${bytes.readUInt32BE(at)}${end}`);
  }
  return found;
}

const fin = 1;

test("a stream carries its headers, and bytes both ways until both sides have ended", async () => {
  const { client, streams, open, until, received } = connected();
  client.write(await open(1, { streamtype: "data", port: "80" }));
  client.write(Buffer.concat([data(1, "ping"), data(1, "", fin)]));
  await until(() => streams.length === 1);
  assert.deepEqual(streams[0]!.headers, { streamtype: "data", port: "80" });
  assert.equal(Buffer.concat(await streams[0]!.channel.toArray()).toString(), "ping");
  streams[0]!.channel.end("pong");
  await until(() => received().length === 3);
  assert.deepEqual(received(), ["type 2 of 1", "pong on 1", " on 1, ended"]);
});

test("frames may come in any pieces, and several streams share the connection", async () => {
  const { client, streams, open, until } = connected();
  const bytes = Buffer.concat([
    await open(1, { n: "1" }),
    await open(3, { n: "3" }, fin),
    data(1, "a"),
    data(1, "b", fin),
  ]);
  for (const byte of bytes) client.write(Buffer.from([byte]));
  await until(() => streams.length === 2);
  assert.deepEqual(
    streams.map(({ headers }) => headers["n"]),
    ["1", "3"],
  );
  const [first, second] = await Promise.all(streams.map(({ channel }) => channel.toArray()));
  assert.deepEqual([Buffer.concat(first!).toString(), second], ["ab", []]);
});

test("a ping is answered with its number", async () => {
  const { client, until, received } = connected();
  client.write(control(6, counted(77)));
  await until(() => received().length > 0);
  assert.deepEqual(received(), ["type 6 of 77"]);
});

test("a stream that the client resets is over, the others are not", async () => {
  const { client, streams, open, until } = connected();
  client.write(Buffer.concat([await open(1, {}), await open(3, {})]));
  await until(() => streams.length === 2);
  client.write(control(3, Buffer.concat([counted(1), counted(5)])));
  await until(() => streams[0]!.channel.destroyed);
  assert.equal(streams[1]!.channel.destroyed, false);
});

test("a client may have 2048 streams at once; one more is refused until another ends", async () => {
  const { client, streams, open, until, received } = connected();
  for (let count = 0; count < 2048; count++) client.write(await open(2 * count + 1, {}));
  await until(() => streams.length === 2048);
  client.write(await open(4097, {}));
  await until(() => received().at(-1) === "type 3 of 4097");
  assert.equal(streams.length, 2048);
  streams[0]!.channel.destroy();
  await until(() => streams[0]!.channel.closed);
  client.write(await open(4099, {}));
  await until(() => streams.length === 2049);
});

const ends: [name: string, bytes: Buffer, error?: RegExp][] = [
  ["says goodbye", control(7, Buffer.alloc(8))],
  [
    "sends a frame that is too long",
    control(6, Buffer.alloc(0)).fill(0xff, 5, 8),
    /a SPDY frame of 16777215 bytes is too long/,
  ],
];
for (const [name, bytes, error] of ends) {
  test(`a connection whose client ${name} ends, and all its streams with it`, async () => {
    const { client, streams, ended, open, until } = connected();
    client.write(await open(1, {}));
    await until(() => streams.length === 1);
    client.write(bytes);
    client.end();
    await (error ? assert.rejects(ended, error) : ended);
    assert.ok(streams[0]!.channel.destroyed);
  });
}
