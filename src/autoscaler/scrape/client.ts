import type { Locate } from "../../lib/locate.ts";
import type { Answer } from "./answer-reader.ts";
import { createConnections } from "./connections.ts";
import { decodeStat, maxStatBytes, mimeType, type Stat } from "./stat.ts";

/** The port and path where every queue-proxy serves its Stat. */
const metricsPort = 9090;
const path = "/metrics";
const timeoutMs = 3000;

/** A scrape that got an answer, but not a Stat. */
export class ScrapeError extends Error {
  /** Whether a service mesh in the way would answer like this, so that pods may not be reached one by one. */
  readonly mightBeMesh: boolean;
  constructor(message: string, mightBeMesh: boolean) {
    super(message);
    this.mightBeMesh = mightBeMesh;
  }
}

export interface ScrapeTarget {
  /** Where to connect to. */
  readonly host: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A new connection for this scrape alone, so that a load balancer may choose another pod. */
  readonly newConnection?: boolean;
}

export interface ScrapeClient {
  /**
   * Fetches one Stat. Rejects with ScrapeError, StatError or the connection's error, after 3 s with TimeoutError, and with
   * ClosedError once the client is closed.
   */
  scrape(target: ScrapeTarget): Promise<Stat>;
  /** Gives up what is under way and closes every connection. */
  close(): void;
}

/** A client for the autoscaler's stats with connections that stay open between scrapes of the same pod. */
export function createScrapeClient(locate: Locate): ScrapeClient {
  const connections = createConnections({ timeoutMs, longestBody: maxStatBytes });
  return {
    async scrape(target) {
      const at = locate({ host: target.host, port: metricsPort });
      const answer = await connections.ask(at, requestTo(target), !target.newConnection);
      return statOf(target, answer);
    },
    close: connections.close,
  };
}

function requestTo({ host, headers }: ScrapeTarget): string {
  const authority = host.includes(":") ? `[${host}]` : host;
  const fields = Object.entries({ host: `${authority}:${metricsPort}`, accept: mimeType, ...headers });
  return `GET ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

function statOf(target: ScrapeTarget, { status, contentType, body }: Answer): Stat {
  if (status < 200 || status >= 300) {
    const url = `http://${target.host}:${metricsPort}${path}`;
    const mightBeMesh = status === 502 || status === 503;
    throw new ScrapeError(`GET request for URL "${url}" returned HTTP status ${status}`, mightBeMesh);
  }
  if (contentType !== mimeType) throw new ScrapeError("unsupported metric type", false);
  return decodeStat(body);
}
