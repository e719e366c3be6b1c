import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseImageReference } from "../../../lib/image-reference.ts";
import { fakeClock } from "../../../testing/fake-clock.ts";
import type { RegistryCredentials } from "./credentials.ts";
import { createRegistryClient } from "./registry.ts";
import { createRegistryTransport } from "./transport.ts";

export const digest = `sha256:${"ab".repeat(32)}`;

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}
export const inTurn =
  (...credentials: RegistryCredentials[]) =>
  () =>
    each(credentials);

export type Handler = (request: IncomingMessage, response: ServerResponse, host: string) => void;

/** Runs `use` with a client and a registry on a free port; returns the requests that came. */
export async function withRegistry(
  handler: Handler,
  use: (digestOf: (repository: string, ...credentials: RegistryCredentials[]) => Promise<string>) => Promise<void>,
): Promise<string[]> {
  const requests: string[] = [];
  let host = "";
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response, host);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = createRegistryTransport({ userAgent: "test" });
  const client = createRegistryClient(transport, fakeClock());
  const signal = new AbortController().signal;
  try {
    await use((repository, ...credentials) =>
      client.digestOf(parseImageReference(`${host}/${repository}`), inTurn(...credentials), signal),
    );
  } finally {
    transport.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return requests;
}
