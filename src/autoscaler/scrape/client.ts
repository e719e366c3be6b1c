import { Agent, request } from "node:http";
import type { Locate, SocketAddress } from "../../lib/locate.ts";
import { decodeStat, maxStatBytes, mimeType, type Stat } from "./stat.ts";

/** The port and path where every queue-proxy serves its Stat. */
export const metricsPort = 9090;
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
  /** Fetches one Stat. Rejects with ScrapeError, StatError or the connection's error; gives up after 3 s. */
  scrape(target: ScrapeTarget, signal?: AbortSignal): Promise<Stat>;
  close(): void;
}

/** A client for the autoscaler's stats with connections that stay open between scrapes of the same pod. */
export function createScrapeClient(locate: Locate): ScrapeClient {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1000, timeout: 30_000 });
  return {
    scrape: (target, signal) => scrape(agent, target, locate({ host: target.host, port: metricsPort }), signal),
    close: () => agent.destroy(),
  };
}

function scrape(agent: Agent, target: ScrapeTarget, at: SocketAddress, signal?: AbortSignal): Promise<Stat> {
  const deadline = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...at,
        path,
        agent: target.newConnection ? false : agent,
        headers: { accept: mimeType, ...target.headers },
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("error", reject);
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxStatBytes)
            response.destroy(new ScrapeError(`${describe(target)} answered more than a stat`, false));
          else chunks.push(chunk);
        });
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          if (status < 200 || status >= 300) {
            const mightBeMesh = status === 502 || status === 503;
            reject(
              new ScrapeError(`GET request for URL "${describe(target)}" returned HTTP status ${status}`, mightBeMesh),
            );
          } else if (response.headers["content-type"] !== mimeType) {
            reject(new ScrapeError("unsupported metric type", false));
          } else {
            try {
              resolve(decodeStat(Buffer.concat(chunks)));
            } catch (error) {
              reject(error);
            }
          }
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function describe(target: ScrapeTarget): string {
  return `http://${target.host}:${metricsPort}${path}`;
}
