import type { HTTPRoute } from "../../apis/istio/virtualservice.ts";

/** Headers by lower-case name. */
export type HeaderMap = Record<string, string | string[] | undefined>;

type Operations = NonNullable<NonNullable<HTTPRoute["headers"]>["request"]>;

const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "te",
  "http2-settings",
];

/** The headers that go on to the next hop: without what is meant for this connection, and without HTTP/2's own. */
export function endToEnd(headers: Readonly<Record<string, string | string[] | undefined>>): HeaderMap {
  const named = String(headers["connection"] ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const dropped = new Set([...hopByHop, ...named]);
  const kept: HeaderMap = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(":") && !dropped.has(name)) kept[name] = value;
  }
  // gRPC asks with it whether trailers arrive.
  if (String(headers["te"] ?? "").includes("trailers")) kept["te"] = "trailers";
  return kept;
}

/** Changes headers as a route asks: set replaces, add appends, remove takes away. */
export function changeHeaders(headers: HeaderMap, { set, add, remove }: Operations = {}): void {
  for (const [name, value] of Object.entries(set ?? {})) headers[name.toLowerCase()] = value;
  for (const [name, value] of Object.entries(add ?? {})) {
    const present = headers[name.toLowerCase()] ?? [];
    headers[name.toLowerCase()] = [...(Array.isArray(present) ? present : [present]), value];
  }
  for (const name of remove ?? []) delete headers[name.toLowerCase()];
}
