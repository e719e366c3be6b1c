import { Agent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { EndpointSlice } from "../../apis/core/endpointslice.ts";
import { serviceNameLabel } from "../../apis/core/endpointslice.ts";
import type { Service } from "../../apis/core/service.ts";
import type { ValidatingWebhookConfiguration } from "../../apis/core/webhookconfiguration.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Locate, SocketAddress } from "../../lib/locate.ts";
import type { StorageReader } from "./storage.ts";

type ClientConfig = NonNullable<ValidatingWebhookConfiguration["webhooks"]>[number]["clientConfig"];

/** Posts a review to a webhook and resolves with its parsed answer. Rejects with the reason in the real server's words. */
export type CallWebhook = (config: ClientConfig, review: unknown, timeoutMs: number, clock: Clock) => Promise<unknown>;

interface Destination {
  /** As the real server prints it in errors. */
  readonly shown: URL;
  readonly serverName: string;
  /** Where to connect, in the order to try. */
  readonly addresses: readonly SocketAddress[];
}

const maxAnswerBytes = 7 * 1024 * 1024;

/** Calls webhooks over TLS: Services are resolved through their EndpointSlices, in turn. */
export function createWebhookCaller(storage: StorageReader, locate: Locate): { call: CallWebhook; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 60_000 });
  let turn = 0;
  const call: CallWebhook = async (config, review, timeoutMs, clock) => {
    const seconds = timeoutMs / 1000;
    const timeout = new AbortController();
    const cancel = clock.setTimer(timeoutMs, () => timeout.abort());
    const destination = destinationOf(storage, config, turn++);
    const shown = `${destination.shown}${destination.shown.search === "" ? "?" : "&"}timeout=${seconds}s`;
    try {
      const body = JSON.stringify(review);
      let refused: unknown;
      for (const address of destination.addresses.map(locate)) {
        try {
          return await post(
            agent,
            destination,
            address,
            config,
            `${destination.shown.pathname}?timeout=${seconds}s`,
            body,
            timeout.signal,
          );
        } catch (error) {
          if (!isGone(error) || timeout.signal.aborted) throw error;
          refused = error;
        }
      }
      throw refused;
    } catch (error) {
      const reason = timeout.signal.aborted
        ? "context deadline exceeded"
        : error instanceof Error
          ? error.message
          : String(error);
      throw new Error(`failed to call webhook: Post ${JSON.stringify(shown)}: ${reason}`, { cause: error });
    } finally {
      cancel();
    }
  };
  return { call, close: () => agent.destroy() };
}

/**
 * Whether a connection failed because nobody listens there any more, or broke off before the answer. The next endpoint
 * may be alive, and webhooks have to bear being asked twice: the real server asks them anew, too.
 */
function isGone(error: unknown): boolean {
  return ["ECONNREFUSED", "ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");
}

function destinationOf(storage: StorageReader, config: ClientConfig, turn: number): Destination {
  if (config.url) {
    const shown = new URL(config.url);
    return {
      shown,
      serverName: shown.hostname,
      addresses: [{ host: shown.hostname, port: Number(shown.port || 443) }],
    };
  }
  if (!config.service) throw new Error("webhook configuration must have either service or URL");
  const { namespace, name, path = "", port = 443 } = config.service;
  const serverName = `${name}.${namespace}.svc`;
  const shown = new URL(`https://${serverName}:${port}/${path.replace(/^\//, "")}`);
  const service = storage.get("services", namespace, name)?.object as Service | undefined;
  const failure = (reason: string) =>
    new Error(`failed to call webhook: Post ${JSON.stringify(String(shown))}: ${reason}`);
  if (!service) throw failure(`service ${JSON.stringify(name)} not found`);
  if (service.spec?.type === "ExternalName") {
    return { shown, serverName, addresses: [{ host: service.spec.externalName ?? "", port }] };
  }
  const servicePort = service.spec?.ports?.find((candidate) => candidate.port === port);
  if (!servicePort) throw failure(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const addresses = storage
    .list("discovery.k8s.io/endpointslices", namespace)
    .map(({ object }) => object as EndpointSlice)
    .filter((slice) => slice.metadata.labels?.[serviceNameLabel] === name)
    .flatMap((slice) => {
      const target = slice.ports?.find((candidate) => (candidate.name ?? "") === (servicePort.name ?? ""));
      const ready = (slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready !== false);
      return target?.port
        ? ready.flatMap((endpoint) => (endpoint.addresses ?? []).map((host) => ({ host, port: target.port! })))
        : [];
    });
  if (addresses.length === 0) throw failure(`no endpoints available for service ${JSON.stringify(name)}`);
  const start = turn % addresses.length;
  return { shown, serverName, addresses: [...addresses.slice(start), ...addresses.slice(0, start)] };
}

function post(
  agent: Agent,
  { serverName }: Destination,
  address: SocketAddress,
  config: ClientConfig,
  path: string,
  body: string,
  signal: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        agent,
        host: address.host,
        port: address.port,
        ...(isIP(serverName) === 0 && { servername: serverName }),
        path,
        method: "POST",
        headers: { host: serverName, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        ...(config.caBundle && { ca: Buffer.from(config.caBundle, "base64") }),
        signal,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxAnswerBytes) request.destroy(new Error(`the answer is longer than ${maxAnswerBytes} bytes`));
          else chunks.push(chunk);
        });
        response.once("error", reject);
        response.once("end", () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode !== 200) {
            reject(new Error(`the server answered ${response.statusCode}: ${text.slice(0, 200).trim()}`));
            return;
          }
          try {
            resolve(JSON.parse(text));
          } catch (error) {
            reject(new Error("the answer is not JSON", { cause: error }));
          }
        });
      },
    );
    request.once("error", reject);
    request.end(body);
  });
}
