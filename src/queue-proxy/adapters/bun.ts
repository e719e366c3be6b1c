import type { Clock } from "../../lib/clock.ts";
import type {
  Connection,
  ConnectionEvents,
  KeyPair,
  Listener,
  ListenOptions,
  Network,
  ReadFile,
} from "../transport.ts";
import { createCollection } from "./collection.ts";

const keepAliveDelayMs = 5000;
/** TLS 1.3 in the numbering of the protocol itself, as Bun wants it. */
const tls13 = 0x0304;
/** `h2` and `http/1.1` as they stand in the handshake. */
const alpn = Buffer.from("\x02h2\x08http/1.1", "latin1");

/** Below this many bytes, it costs more to free a buffer than to leave it to the collector. */
const worthReleasing = 16 * 1024;

/** The part of Bun's socket API (Bun 1.4) that is used here. */
interface BunSocket {
  data: BunConnection;
  readonly remoteAddress: string;
  readonly remotePort: number;
  write(bytes: Uint8Array, offset?: number, length?: number): number;
  shutdown(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, delayMs: number): void;
}

interface SocketHandlers {
  open?(socket: BunSocket): void;
  handshake?(socket: BunSocket, success: boolean, error: Error | null): void;
  data(socket: BunSocket, bytes: Buffer): void;
  drain(socket: BunSocket): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket, error?: Error): void;
  error(socket: BunSocket, error: Error): void;
  connectError?(socket: BunSocket, error: Error): void;
}

interface BunRuntime {
  file(path: string): { text(): Promise<string> };
  listen(options: object): { readonly port: number; stop(closeConnections: boolean): void };
  connect(options: object): Promise<BunSocket>;
  gc(synchronously: boolean): void;
}

/** Bun's own sockets. Bun's write sends what it can at once and says how much that was; a copy of the rest is queued here. */
class BunConnection implements Connection {
  readonly remoteAddress: string;
  readonly secure: boolean;
  events: ConnectionEvents | undefined;
  failure: Error | undefined;
  private readonly socket: BunSocket;
  private pending: Uint8Array[] = [];
  private sentOfFirst = 0;
  private ending: (() => void) | undefined;
  private closed = false;

  constructor(socket: BunSocket, secure: boolean) {
    this.socket = socket;
    this.secure = secure;
    const address = socket.remoteAddress ?? "";
    const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
    this.remoteAddress = plain.includes(":") ? `[${plain}]:${socket.remotePort}` : `${plain}:${socket.remotePort}`;
  }

  write(chunk: Uint8Array): boolean {
    return this.writeCopy(chunk, chunk.length);
  }

  /** Without a view of the part that is sent: that is dearer than all else here but the system call. */
  writeCopy(buffer: Uint8Array, length: number): boolean {
    if (this.closed || this.ending) return true;
    let sent = 0;
    if (this.pending.length === 0) {
      sent = Math.max(0, this.socket.write(buffer, 0, length));
      if (sent === length) return true;
    }
    this.pending.push(Buffer.from(buffer.subarray(sent, length)));
    return false;
  }

  end(sent: () => void): void {
    if (this.ending || this.closed) return;
    this.ending = sent;
    if (this.pending.length === 0) this.shutdown();
  }

  private shutdown(): void {
    this.socket.shutdown();
    this.ending?.();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.pending = [];
    this.socket.terminate();
    // `close` must not arrive inside the caller's own call.
    queueMicrotask(() => this.gone());
  }

  pause(): void {
    if (!this.closed) this.socket.pause();
  }

  resume(): void {
    if (!this.closed) this.socket.resume();
  }

  /** The socket takes bytes again. */
  flush(): void {
    while (this.pending.length > 0) {
      const chunk = this.pending[0]!;
      this.sentOfFirst += Math.max(0, this.socket.write(chunk.subarray(this.sentOfFirst)));
      if (this.sentOfFirst < chunk.length) return;
      this.pending.shift();
      this.sentOfFirst = 0;
      release(chunk);
    }
    if (this.ending) this.shutdown();
    else this.events?.drain();
  }

  gone(): void {
    this.closed = true;
    this.pending = [];
    const { events } = this;
    this.events = undefined;
    events?.close(this.failure);
  }
}

/**
 * Gives a piece's memory back at once. Bun makes a new buffer of up to 512 kB for each read; left to the collector, those
 * of one long body would take tens of megabytes, and each would be a stretch of memory that no cache knows.
 */
function release(bytes: Uint8Array): void {
  if (bytes.length >= worthReleasing) (bytes.buffer as ArrayBuffer).transfer(0);
}

/** Without node:fs, whose streams take 5 MB. */
export const readBunFile: ReadFile = (path) => bun().file(path).text();

/** Sockets of the Bun runtime; only to be used there. The clock tells when a load is over and its garbage is collected. */
export function createBunNetwork(clock: Clock): Network {
  const runtime = bun();
  const handlers = socketHandlers(createCollection(clock, () => runtime.gc(true)));
  return { listen: listenWith(runtime, handlers), connect: connectWith(runtime, handlers) };
}

function bun(): BunRuntime {
  return (globalThis as unknown as { Bun: BunRuntime }).Bun;
}

function socketHandlers(received: (bytes: number) => void): SocketHandlers {
  return {
    data(socket, bytes) {
      received(bytes.length);
      socket.data?.events?.data(bytes);
      release(bytes);
    },
    drain(socket) {
      socket.data?.flush();
    },
    end(socket) {
      socket.data?.events?.end();
    },
    close(socket) {
      socket.data?.gone();
    },
    error(socket, error) {
      if (socket.data) socket.data.failure = error;
    },
  };
}

function listenWith(runtime: BunRuntime, handlers: SocketHandlers): Network["listen"] {
  return async (options, accept) => {
    const open = (listenOptions: ListenOptions, pair: KeyPair | undefined) =>
      openListener(runtime, handlers, listenOptions, pair, accept);
    let current = open(options, options.tls);
    const { port } = current;
    const listener: Listener = {
      port,
      async close() {
        current.stop(false);
      },
      setKeyPair(pair) {
        // Bun cannot change a listener's certificate: a second one takes the port over, connections stay.
        const previous = current;
        current = open({ ...options, port }, pair);
        previous.stop(false);
      },
    };
    return listener;
  };
}

function connectWith(runtime: BunRuntime, handlers: SocketHandlers): Network["connect"] {
  return ({ host, port, tls }, connected, failed) => {
    let settled = false;
    const fail = (error: Error) => {
      if (settled) return;
      settled = true;
      failed(error);
    };
    const adopt = (socket: BunSocket) => {
      if (settled) {
        socket.terminate();
        return;
      }
      settled = true;
      socket.setNoDelay(true);
      socket.setKeepAlive(true, keepAliveDelayMs);
      const connection = new BunConnection(socket, tls !== undefined);
      socket.data = connection;
      connection.events = connected(connection);
    };
    const socket: SocketHandlers = {
      ...handlers,
      ...(tls ? { handshake: adopt } : { open: adopt }),
      close(closing) {
        fail(new Error("EOF"));
        closing.data?.gone();
      },
      connectError: (_socket, error) => fail(error),
    };
    const secure = tls ? { tls: { rejectUnauthorized: false, serverName: tls.serverName } } : {};
    runtime.connect({ hostname: host, port, allowHalfOpen: true, socket, ...secure }).catch(fail);
    return () => {
      settled = true;
    };
  };
}

function openListener(
  runtime: BunRuntime,
  handlers: SocketHandlers,
  options: ListenOptions,
  keyPair: KeyPair | undefined,
  accept: (connection: Connection) => ConnectionEvents,
) {
  const socket: SocketHandlers = {
    ...handlers,
    // With this, a TLS connection is told of before its handshake, so that one without it does not stay for ever.
    ...(keyPair && { handshake() {} }),
    open(opened) {
      opened.setNoDelay(true);
      const connection = new BunConnection(opened, keyPair !== undefined);
      opened.data = connection;
      connection.events = accept(connection);
    },
  };
  return runtime.listen({
    hostname: options.address,
    port: options.port,
    allowHalfOpen: true,
    reusePort: keyPair !== undefined,
    socket,
    ...(keyPair && { tls: { ...keyPair, ALPNProtocols: alpn, minVersion: tls13 } }),
  });
}
