import { HeaderList, type HeaderName, hasToken, hopByHop, names } from "./codec/headers.ts";
import type { OutgoingHead, RequestHead } from "./message.ts";

const printable = /^[\x20-\x7e]*$/;

/** A request that cannot be passed on; the message is the client's answer. */
export class OutgoingError extends Error {}

/**
 * The request for the user container: hop-by-hop and revision headers removed, X-Forwarded-For extended by the client's
 * address. Throws OutgoingError. Source: Go net/http/httputil.ReverseProxy, serving v0.42.2 pkg/http/proxy.go.
 */
export function makeOutgoing(request: RequestHead, defaultHost: string): OutgoingHead {
  const { headers } = request;
  const dropped = connectionNames(headers);
  const result = new HeaderList();
  let forwardedFor = "";
  let trailers = false;
  for (let field = headers.first; field; field = field.next) {
    const { name, value } = field;
    if (name === names.forwardedFor) {
      if (!dropped?.has(name.lower)) forwardedFor += `${value}, `;
    } else if (hopByHop.has(name)) {
      if (name === names.te && hasToken([value], "trailers")) trailers = true;
      else if (name === names.trailer) result.add(name, value);
    } else if (!notPassed.has(name) && !dropped?.has(name.lower)) {
      result.add(name, value);
    }
  }
  if (trailers) result.add(names.te, "trailers");
  result.add(names.forwardedFor, forwardedFor + clientAddress(request.remoteAddress));
  if (request.upgrade !== undefined && !printable.test(request.upgrade)) {
    throw new OutgoingError(`client tried to switch to invalid protocol ${JSON.stringify(request.upgrade)}`);
  }
  const host = headers.get(names.originalHost) || request.host || defaultHost;
  return {
    method: request.method,
    target: request.target,
    host,
    headers: result,
    bodyLength: request.bodyLength,
    upgrade: request.upgrade,
  };
}

const notPassed: ReadonlySet<HeaderName> = new Set([names.revisionName, names.revisionNamespace, names.originalHost]);

/** Drops from a backend's response what belongs to its connection. */
export function pruneResponse(headers: HeaderList): void {
  if (!hasHopByHop(headers)) return;
  const dropped = connectionNames(headers);
  headers.keep((name) => !hopByHop.has(name) && !dropped?.has(name.lower));
}

function hasHopByHop(headers: HeaderList): boolean {
  for (let field = headers.first; field; field = field.next) if (hopByHop.has(field.name)) return true;
  return false;
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
