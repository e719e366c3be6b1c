import { type HeaderList, type HeaderName, hasToken, hopByHop, names } from "./codec/headers.ts";
import type { OutgoingHead, RequestHead } from "./message.ts";

const printable = /^[\x20-\x7e]*$/;

/** A request that cannot be passed on; the message is the client's answer. */
export class OutgoingError extends Error {}

/**
 * The request for the user container. Its headers are `headers`, the request's own or a copy, which this changes: hop-by-hop
 * and revision headers are removed, X-Forwarded-For is extended by the client's address. Throws OutgoingError.
 * Source: Go net/http/httputil.ReverseProxy, serving v0.42.2 pkg/http/proxy.go.
 */
export function makeOutgoing(request: RequestHead, headers: HeaderList, defaultHost: string): OutgoingHead {
  const host = headers.get(names.originalHost) || request.host || defaultHost;
  if (headers.hasAny(notPassed)) dropNotPassed(headers);
  const address = clientAddress(request.remoteAddress);
  const before = headers.has(names.forwardedFor) ? `${headers.all(names.forwardedFor).join(", ")}, ` : "";
  headers.set(names.forwardedFor, before + address);
  if (request.upgrade !== undefined && !printable.test(request.upgrade)) {
    throw new OutgoingError(`client tried to switch to invalid protocol ${JSON.stringify(request.upgrade)}`);
  }
  return {
    method: request.method,
    target: request.target,
    host,
    headers,
    bodyLength: request.bodyLength,
    upgrade: request.upgrade,
  };
}

const notPassed: ReadonlySet<HeaderName> = new Set([
  ...hopByHop,
  names.revisionName,
  names.revisionNamespace,
  names.originalHost,
]);

/** Of what belongs to the client's connection, only the word of trailers goes on. */
function dropNotPassed(headers: HeaderList): void {
  const dropped = connectionNames(headers);
  const trailers = hasToken(headers.all(names.te), "trailers");
  headers.keep((name) => name === names.trailer || !(notPassed.has(name) || dropped?.has(name.lower)));
  if (trailers) headers.add(names.te, "trailers");
}

/** Drops from a backend's response what belongs to its connection. */
export function pruneResponse(headers: HeaderList): void {
  if (!headers.hasAny(hopByHop)) return;
  const dropped = connectionNames(headers);
  headers.keep((name) => !hopByHop.has(name) && !dropped?.has(name.lower));
}

/** Lower-case names that Connection lists; names are compared as text, since rare ones are not interned. */
function connectionNames(headers: HeaderList): Set<string> | undefined {
  if (!headers.has(names.connection)) return undefined;
  const result = new Set<string>();
  for (const value of headers.all(names.connection)) {
    for (const part of value.split(",")) result.add(part.trim().toLowerCase());
  }
  return result;
}

/** The address of `10.0.0.1:1234` or `[::1]:1234` without the port. */
export function clientAddress(remote: string): string {
  const colon = remote.lastIndexOf(":");
  const address = colon < 0 ? remote : remote.slice(0, colon);
  return address.startsWith("[") ? address.slice(1, -1) : address;
}
