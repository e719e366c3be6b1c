import { Agent, type ClientRequest, request as httpRequest } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import type { CancelTimer, Clock } from "../../lib/clock.ts";
import type { SocketAddress } from "../../lib/locate.ts";
import type { HeaderMap } from "./headers.ts";

/** The head of a request to a pod. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: HeaderMap;
  readonly hasBody: boolean;
}

/** Connections to pods, kept for the next request. */
export interface Connections {
  /** Starts an HTTP/1.1 request; resolves once a connection carries it. Rejects where none can be made. */
  openHttp1(endpoint: SocketAddress, head: RequestHead): Promise<ClientRequest>;
  /** Starts an HTTP/2 request. Rejects where no connection can be made. */
  openHttp2(endpoint: SocketAddress, head: RequestHead): Promise<ClientHttp2Stream>;
  /** How many requests are under way to a pod. */
  load(endpoint: SocketAddress): number;
  close(): void;
}

const connectTimeoutMs = 5000;
const idleMs = 15_000;
/** Until the other side has said how many it takes. */
const defaultMostStreams = 100;

/** Makes a pool of connections, HTTP/1.1 and HTTP/2 without TLS. */
export function createConnections(clock: Clock): Connections {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 256, timeout: idleMs });
  const sessions = new Map<string, Session[]>();
  const loads = new Map<string, number>();

  const count = (endpoint: SocketAddress, until: { once(event: "close", then: () => void): unknown }) => {
    const key = keyOf(endpoint);
    loads.set(key, (loads.get(key) ?? 0) + 1);
    until.once("close", () => {
      const left = loads.get(key)! - 1;
      if (left > 0) loads.set(key, left);
      else loads.delete(key);
    });
  };

  /** A connection that has room for one more stream; a new one where there is none. */
  const sessionOf = (endpoint: SocketAddress): Session => {
    const key = keyOf(endpoint);
    const open = sessions.get(key) ?? [];
    const free = open.find((session) => session.hasRoom());
    if (free) return free;
    const session = startSession(endpoint, clock, open.at(-1)?.mostStreams() ?? defaultMostStreams, () => {
      const left = (sessions.get(key) ?? []).filter((other) => other !== session);
      if (left.length > 0) sessions.set(key, left);
      else sessions.delete(key);
    });
    sessions.set(key, [...open, session]);
    return session;
  };

  /** Takes a place on a connection that is open. Whoever joined it before the other side said how many it takes moves on. */
  const takePlace = async (endpoint: SocketAddress): Promise<Session> => {
    for (;;) {
      const session = sessionOf(endpoint);
      session.streams += 1;
      const place = session.streams;
      try {
        await session.opened;
      } catch (error) {
        session.release();
        throw error;
      }
      if (place <= session.mostStreams()) return session;
      session.release();
    }
  };

  return {
    async openHttp1(endpoint, { method, path, authority, headers, hasBody }) {
      const isChunked = hasBody && headers["content-length"] === undefined;
      const request = httpRequest({
        agent,
        ...endpoint,
        method,
        path,
        headers: { ...headers, host: authority, ...(isChunked && { "transfer-encoding": "chunked" }) },
      });
      await connected(request, clock);
      count(endpoint, request);
      return request;
    },
    async openHttp2(endpoint, { method, path, authority, headers, hasBody }) {
      const session = await takePlace(endpoint);
      try {
        const pseudo = { ":method": method, ":path": path, ":authority": authority, ":scheme": "http" };
        const stream = session.client.request({ ...headers, ...pseudo }, { endStream: !hasBody });
        count(endpoint, stream);
        stream.once("close", () => session.release());
        return stream;
      } catch (error) {
        session.release();
        throw error;
      }
    },
    load: (endpoint) => loads.get(keyOf(endpoint)) ?? 0,
    close() {
      agent.destroy();
      for (const session of [...sessions.values()].flat()) session.end();
    },
  };
}

interface Session {
  readonly client: ClientHttp2Session;
  /** Settles once the other side has said what it takes. */
  readonly opened: Promise<unknown>;
  streams: number;
  mostStreams(): number;
  hasRoom(): boolean;
  /** A stream has ended; a connection that stays without any is closed. */
  release(): void;
  end(): void;
}

function startSession(
  { host, port }: SocketAddress,
  clock: Clock,
  /** What the other side takes, as long as it has not said so. */
  assumedMostStreams: number,
  onEnd: () => void,
): Session {
  const authority = host.includes(":") ? `[${host}]` : host;
  const client = connect(`http://${authority}:${port}`, {
    settings: { enablePush: false, initialWindowSize: 1 << 20 },
  });
  client.on("close", onEnd);
  client.on("goaway", onEnd);
  client.on("error", onEnd);
  let mostStreams = assumedMostStreams;
  client.on("remoteSettings", ({ maxConcurrentStreams = defaultMostStreams }) => {
    // Who takes none for a while is waited for on one connection; others would be no better.
    mostStreams = Math.max(1, maxConcurrentStreams);
  });
  let cancelIdle: CancelTimer = () => {};
  const session: Session = {
    client,
    opened: within(clock, connectTimeoutMs, settled(client), () => client.destroy()),
    streams: 0,
    mostStreams: () => mostStreams,
    hasRoom: () => session.streams < mostStreams,
    release() {
      session.streams -= 1;
      cancelIdle();
      if (session.streams === 0) cancelIdle = clock.setTimer(idleMs, () => session.streams === 0 && session.end());
    },
    end() {
      cancelIdle();
      onEnd();
      client.close();
    },
  };
  return session;
}

/** Settles once the other side has told its settings. */
function settled(client: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once("remoteSettings", () => resolve());
    client.once("error", reject);
    client.once("close", () => reject(new Error("the connection was closed before it could be used")));
  });
}

/** Settles once the request has a connection of its own. */
function connected(request: ClientRequest, clock: Clock): Promise<void> {
  const attempt = new Promise<void>((resolve, reject) => {
    request.once("error", reject);
    request.once("socket", (socket) => {
      const ready = () => {
        request.off("error", reject);
        resolve();
      };
      if (socket.connecting) socket.once("connect", ready);
      else ready();
    });
  });
  return within(clock, connectTimeoutMs, attempt, () => request.destroy());
}

async function within<T>(clock: Clock, limitMs: number, work: Promise<T>, giveUp: () => void): Promise<T> {
  let cancel: CancelTimer = () => {};
  const tooLong = new Promise<never>((_, reject) => {
    cancel = clock.setTimer(limitMs, () => {
      giveUp();
      reject(new Error(`no connection after ${limitMs} ms`));
    });
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    cancel();
  }
}

function keyOf({ host, port }: SocketAddress): string {
  return `${host} ${port}`;
}
