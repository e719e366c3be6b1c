import { type HeaderList, names } from "./codec/headers.ts";

/**
 * Adds `Forwarded` when it is absent and any X-Forwarded-{For,Proto,Host} is present.
 * Source: serving v0.42.2 pkg/queue/forwarded_shim.go.
 */
export function addForwarded(headers: HeaderList): void {
  if (headers.get(names.forwarded)) return;
  const nodes = headers.get(names.forwardedFor) ?? "";
  const proto = headers.get(names.forwardedProto) ?? "";
  const host = headers.get(names.forwardedHost) ?? "";
  if (nodes === "" && proto === "" && host === "") return;
  headers.set(names.forwarded, makeForwarded(nodes, proto, host));
}

/** The value of a Forwarded header for the values of the three X-Forwarded headers. */
export function makeForwarded(nodes: string, proto: string, host: string): string {
  const [first = "", ...rest] = nodes === "" ? [] : nodes.replace(/,$/, "").split(",");
  const node = first.trim();
  let result = "";
  if (nodes !== "") result += `for=${quoted(node)}`;
  if (host !== "") result += `${node !== "" ? ";" : ""}host=${host}`;
  if (proto !== "") result += `${node !== "" || host !== "" ? ";" : ""}proto=${proto}`;
  for (const other of rest) result += `, for=${quoted(other.trim())}`;
  return result;
}

/** Whatever holds a colon is taken for an IPv6 address. */
function quoted(node: string): string {
  return node.includes(":") ? `"[${node}]"` : node;
}
