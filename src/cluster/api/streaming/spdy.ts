import { once } from "node:events";
import { Duplex } from "node:stream";
import { constants, createDeflate, createInflate } from "node:zlib";
import { headerDictionary } from "./spdy-dictionary.ts";

/** A stream that the client opened, and the headers it opened it with. */
export interface SpdyStream {
  readonly headers: Readonly<Record<string, string>>;
  readonly channel: Duplex;
}

const maxFrameBytes = 1024 * 1024;
const maxStreams = 2048;
const frameTypes = { synStream: 1, synReply: 2, reset: 3, ping: 6, goAway: 7 } as const;
const finFlag = 1;

/**
 * Serves SPDY/3.1 on a connection, as far as `kubectl port-forward` uses it: streams that the client opens, data, their
 * ends, pings. Calls back for every stream; settles when the connection has ended. Flow control windows are not kept,
 * since the clients' library keeps none either. Source: the SPDY 3.1 draft, github.com/moby/spdystream.
 */
export async function serveSpdy(connection: Duplex, onStream: (stream: SpdyStream) => void): Promise<void> {
  const channels = new Map<number, Duplex>();
  const inflater = createInflate({ dictionary: headerDictionary, finishFlush: constants.Z_SYNC_FLUSH });
  const deflater = createDeflate({ dictionary: headerDictionary });
  // No headers of ours say anything: every reply carries the same empty list, compressed in one context.
  const emptyHeaders = async (): Promise<Buffer> => {
    deflater.write(Buffer.alloc(4));
    await new Promise<void>((resolve) => deflater.flush(constants.Z_SYNC_FLUSH, resolve));
    return (deflater.read() as Buffer | null) ?? Buffer.alloc(0);
  };
  const readHeaders = async (block: Buffer): Promise<Record<string, string>> => {
    await new Promise<void>((resolve, reject) => {
      inflater.once("error", reject);
      inflater.write(block, () => {
        inflater.off("error", reject);
        resolve();
      });
    });
    return parseHeaders((inflater.read() as Buffer | null) ?? Buffer.alloc(0));
  };
  const send = (frame: Buffer) => {
    if (!connection.destroyed && connection.writable) connection.write(frame);
  };

  const open = async (frame: Buffer, ended: boolean) => {
    const id = frame.readUInt32BE(0) & 0x7fffffff;
    const headers = await readHeaders(frame.subarray(10));
    if (channels.size >= maxStreams) {
      const refused = Buffer.alloc(8);
      refused.writeUInt32BE(id, 0);
      refused.writeUInt32BE(3, 4);
      send(control(frameTypes.reset, refused));
      return;
    }
    const channel = makeChannel(id, send, connection, () => channels.delete(id));
    channels.set(id, channel);
    if (ended) channel.push(null);
    const reply = Buffer.alloc(4);
    reply.writeUInt32BE(id, 0);
    send(control(frameTypes.synReply, Buffer.concat([reply, await emptyHeaders()])));
    onStream({ headers, channel });
  };

  const take = async (header: Buffer, body: Buffer) => {
    const flags = header[4]!;
    if ((header[0]! & 0x80) === 0) {
      const channel = channels.get(header.readUInt32BE(0) & 0x7fffffff);
      if (!channel || channel.readableEnded || channel.destroyed) return;
      if (body.length > 0) channel.push(body);
      if (flags & finFlag) channel.push(null);
      return;
    }
    switch (header.readUInt16BE(2)) {
      case frameTypes.synStream:
        return open(body, (flags & finFlag) !== 0);
      case frameTypes.reset:
        channels.get(body.readUInt32BE(0) & 0x7fffffff)?.destroy();
        return;
      case frameTypes.ping:
        send(control(frameTypes.ping, body.subarray(0, 4)));
        return;
      case frameTypes.goAway:
        connection.end();
        return;
      default:
    }
  };

  let pending: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of connection as AsyncIterable<Buffer>) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= 8) {
        const length = pending.readUIntBE(5, 3);
        if (length > maxFrameBytes) throw new Error(`a SPDY frame of ${length} bytes is too long`);
        if (pending.length < 8 + length) break;
        const [header, body] = [pending.subarray(0, 8), pending.subarray(8, 8 + length)];
        pending = pending.subarray(8 + length);
        await take(header, body);
      }
    }
  } finally {
    for (const channel of channels.values()) channel.destroy();
    inflater.close();
    deflater.close();
    connection.destroy();
  }
}

/** One stream as a Duplex: what is written becomes data frames, its end a frame with FIN. */
function makeChannel(id: number, send: (frame: Buffer) => void, connection: Duplex, forget: () => void): Duplex {
  const channel = new Duplex({
    allowHalfOpen: true,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      send(data(id, 0, chunk));
      // Slows the pod's side down to what the client takes.
      if (connection.writableNeedDrain) once(connection, "drain").then(() => done(), done);
      else done();
    },
    final(done) {
      send(data(id, finFlag, Buffer.alloc(0)));
      done();
    },
    destroy(error, done) {
      forget();
      done(error);
    },
  });
  channel.on("error", () => {});
  return channel;
}

function control(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(0x8003, 0);
  header.writeUInt16BE(type, 2);
  header.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([header, body]);
}

function data(id: number, flags: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(id, 0);
  header[4] = flags;
  header.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([header, body]);
}

function parseHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let offset = 4;
  const text = (): string => {
    const length = block.readUInt32BE(offset);
    offset += 4 + length;
    return block.toString("utf8", offset - length, offset);
  };
  for (let count = block.readUInt32BE(0); count > 0; count--) {
    const name = text().toLowerCase();
    headers[name] = text();
  }
  return headers;
}
