import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { HTTPRoute } from "../../apis/istio/virtualservice.ts";
import type { RequestHead } from "./connections.ts";
import type { Destination, Request } from "./forward.ts";
import { changeHeaders, endToEnd, type HeaderMap } from "./headers.ts";
import type { Facts } from "./match.ts";
import type { Decision } from "./route-table.ts";

/** What is to be done with a request, down to the head that the pod gets. */
export type Plan =
  | { readonly type: "redirect"; readonly location: string }
  | {
      readonly type: "route";
      readonly head: RequestHead;
      readonly destination: Destination;
      /** A Go duration; none unless told. */
      readonly timeout: string | undefined;
    };

/** Plans a request that came in at a port of the Istio Gateways; undefined where no route takes it. */
export function planFor(
  request: Request,
  gatewayPort: number,
  decide: (facts: Facts) => Decision | undefined,
): Plan | undefined {
  const facts = factsOf(request, gatewayPort);
  const decision = decide(facts);
  if (decision?.type === "redirect") return { type: "redirect", location: `https://${facts.authority}${facts.path}` };
  const destination = decision && chooseByWeight(decision.route.route ?? []);
  if (!decision || !destination) return undefined;
  const { route } = decision;
  const head = makeHead(request, facts, destination, route, decision.match?.uri?.prefix);
  return { type: "route", head, destination: withRouteHeaders(destination, route), timeout: route.timeout };
}

function factsOf(request: Request, port: number): Facts {
  const { socket } = request as IncomingMessage;
  return {
    method: request.method ?? "GET",
    scheme: "encrypted" in socket && socket.encrypted ? "https" : "http",
    authority: String(request.headers[":authority"] ?? request.headers.host ?? ""),
    path: request.url || "/",
    headers: request.headers,
    port,
  };
}

function makeHead(
  request: Request,
  facts: Facts,
  destination: Destination,
  { headers: changes, rewrite }: HTTPRoute,
  prefix: string | undefined,
): RequestHead {
  const headers = endToEnd(request.headers);
  delete headers["host"];
  delete headers["expect"];
  forwardedBy(headers, request, facts);
  changeHeaders(headers, destination.headers?.request);
  changeHeaders(headers, changes?.request);
  const { host, ...rest } = headers;
  const path = rewrite?.uri === undefined ? facts.path : rewritePath(facts.path, prefix, rewrite.uri);
  return {
    method: facts.method,
    path,
    authority: rewrite?.authority ?? (typeof host === "string" ? host : facts.authority),
    headers: rest,
    hasBody: hasBody(request),
  };
}

/** Tells the pod who asks and how. */
function forwardedBy(headers: HeaderMap, request: Request, facts: Facts): void {
  const client = (request as IncomingMessage).socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  const before = headers["x-forwarded-for"];
  headers["x-forwarded-for"] = before === undefined ? client : `${[before].flat().join(",")},${client}`;
  headers["x-forwarded-proto"] = facts.scheme;
  headers["x-request-id"] ??= randomUUID();
}

function hasBody(request: Request): boolean {
  if ("stream" in request) return !request.stream.endAfterHeaders;
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function rewritePath(path: string, prefix: string | undefined, replacement: string): string {
  if (prefix !== undefined) return replacement + path.slice(prefix.length);
  const query = path.indexOf("?");
  return query < 0 ? replacement : replacement + path.slice(query);
}

function chooseByWeight(destinations: readonly Destination[]): Destination | undefined {
  if (destinations.length <= 1) return destinations[0];
  const total = destinations.reduce((sum, { weight = 0 }) => sum + weight, 0);
  let point = Math.random() * total;
  return destinations.find(({ weight = 0 }) => {
    point -= weight;
    return point < 0;
  });
}

/** The route's changes of answers, on top of the destination's. */
function withRouteHeaders(destination: Destination, { headers }: HTTPRoute): Destination {
  if (!headers?.response) return destination;
  const own = destination.headers?.response;
  const { response } = headers;
  return {
    ...destination,
    headers: {
      ...destination.headers,
      response: {
        set: { ...own?.set, ...response.set },
        add: { ...own?.add, ...response.add },
        remove: [...(own?.remove ?? []), ...(response.remove ?? [])],
      },
    },
  };
}
