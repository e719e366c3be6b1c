import { type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface RegistryRequest {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Readable | Buffer;
  readonly signal?: AbortSignal;
}

/**
 * Sends a request to a registry and resolves with the answer, whose body is still to be read. By node:http, because
 * Node's fetch costs every process that uses it 20 MiB and more. Rejects when there is no answer.
 */
export function send(url: string | URL, options: RegistryRequest = {}): Promise<IncomingMessage> {
  const { method = "GET", headers = {}, body, signal } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false, ...(signal && { signal }) }, resolve);
    sent.once("error", reject);
    if (body === undefined || Buffer.isBuffer(body)) sent.end(body);
    else pipeline(body, sent).catch(reject);
  });
}

/** Reads a whole body of text. */
export async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk as string;
  return text;
}
