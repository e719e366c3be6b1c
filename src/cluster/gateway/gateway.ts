import { Endpoints } from "../../apis/core/endpoints.ts";
import { Secret } from "../../apis/core/secret.ts";
import { Service } from "../../apis/core/service.ts";
import { Gateway } from "../../apis/istio/gateway.ts";
import { VirtualService } from "../../apis/istio/virtualservice.ts";
import type { Client, Informers } from "../../kube/api.ts";
import type { CancelTimer, Clock } from "../../lib/clock.ts";
import { parseDuration } from "../../lib/duration.ts";
import { asAddressed, type Locate } from "../../lib/locate.ts";
import type { Logger } from "../../lib/log.ts";
import { createCertificates } from "./certificates.ts";
import { type Connections, createConnections } from "./connections.ts";
import { keepEndpoints } from "./endpoints.ts";
import { type Destination, forward, type Request, type Response, refuse } from "./forward.ts";
import { type Listener, type ListenerHandlers, listenPlain, listenTls } from "./listener.ts";
import type { Facts } from "./match.ts";
import { planFor } from "./plan.ts";
import { type Decision, makeRouteTable, type RouteTable } from "./route-table.ts";
import { findUpstream } from "./upstream.ts";
import { endWith, tunnel } from "./websocket.ts";

export interface GatewayOptions {
  /** The address to listen on; 127.0.0.1 unless told. */
  readonly address?: string;
  /** The real port of the Istio Gateways' port 80; 0 for any. */
  readonly httpPort: number;
  /** The real port of the Istio Gateways' port 443; undefined: no TLS. */
  readonly httpsPort: number | undefined;
  readonly informers: Informers;
  readonly client: Client;
  /** Where pods are reached; at their addresses unless told. */
  readonly locate?: Locate;
  /**
   * How long new routes wait until they hold; 50 ms unless told. As with Istio, which collects changes for 100 ms: the
   * Endpoints that the routes lead to were written before them, but come by a watch of their own.
   */
  readonly routeDelayMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the keeping of the Endpoints. */
  readonly signal: AbortSignal;
}

export interface RunningGateway {
  readonly httpPort: number;
  readonly httpsPort: number | undefined;
  /** The real port of the cluster-local Gateway's port 8081. */
  readonly localPort: number;
  /** Lets requests end, for a few seconds. */
  close(): Promise<void>;
}

/** Ports of the Istio Gateways that are served. */
const gatewayPorts = { http: 80, https: 443, local: 8081 } as const;
const graceMs = 5000;

/**
 * Routes HTTP as an Istio ingress gateway would, by the Gateways and VirtualServices of the cluster, to the pods that
 * the Endpoints name. Every request is decided by the routes of its moment; a change disturbs none that is under way.
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { address = "127.0.0.1", locate = asAddressed, routeDelayMs = 50, informers, client, clock, log } = options;
  const gateways = informers.of(Gateway);
  const virtualServices = informers.of(VirtualService);
  const services = informers.of(Service);
  const endpoints = informers.of(Endpoints);

  let table: RouteTable | undefined;
  let cancelRenewal: CancelTimer | undefined;
  const renew = () => {
    cancelRenewal = undefined;
    table = undefined;
  };
  const outdate = () => {
    if (routeDelayMs === 0) renew();
    else cancelRenewal ??= clock.setTimer(routeDelayMs, renew);
  };
  const stops = [gateways.onChange(outdate), virtualServices.onChange(outdate)];
  await Promise.all([gateways.synced, virtualServices.synced, services.synced, endpoints.synced]);

  const connections = createConnections(clock);
  const handle = (gatewayPort: number): ListenerHandlers =>
    makeHandlers(gatewayPort, {
      connections,
      decide: (facts) => {
        table ??= makeRouteTable(gateways.list(), virtualServices.list());
        return table.decide(gatewayPort, facts);
      },
      upstreamOf: ({ host, port }) => findUpstream(host, port?.number, { services, endpoints, locate }),
      clock,
      log,
    });

  const listeners: Listener[] = [];
  const listen = async (starting: Promise<Listener>): Promise<Listener> => {
    const listener = await starting;
    listeners.push(listener);
    return listener;
  };
  const close = async () => {
    for (const stop of stops) stop();
    cancelRenewal?.();
    await Promise.all(listeners.map((listener) => listener.close(graceMs)));
    connections.close();
  };
  try {
    const http = await listen(listenPlain(address, options.httpPort, handle(gatewayPorts.http), clock));
    const local = await listen(listenPlain(address, 0, handle(gatewayPorts.local), clock));
    const certificates = createCertificates(gateways, client.of(Secret), clock);
    const https =
      options.httpsPort === undefined
        ? undefined
        : await listen(listenTls(address, options.httpsPort, certificates, handle(gatewayPorts.https), clock));
    const ports = { httpPort: http.port, httpsPort: https?.port, localPort: local.port };
    stops.push(await keepEndpoints({ address, ...ports }, endpoints, client.of(Endpoints), options));
    return { ...ports, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Handling {
  readonly connections: Connections;
  readonly decide: (facts: Facts) => Decision | undefined;
  readonly upstreamOf: (destination: Destination["destination"]) => ReturnType<typeof findUpstream>;
  readonly clock: Clock;
  readonly log: Logger;
}

function makeHandlers(gatewayPort: number, handling: Handling): ListenerHandlers {
  const { decide, log } = handling;
  return {
    onRequest(request, response) {
      request.on("error", () => {});
      response.on("error", () => {});
      serve(request, response).catch((error) => {
        log.error("A request could not be forwarded", { error });
        refuse(response, 500);
      });
    },
    onUpgrade(request, socket, buffered) {
      socket.on("error", () => socket.destroy());
      const plan = planFor(request, gatewayPort, decide);
      if (plan?.type !== "route") {
        endWith(socket, 404, "");
        return;
      }
      const pods = handling.upstreamOf(plan.destination.destination)?.endpoints ?? [];
      tunnel(request, socket, buffered, plan.head, shuffled(pods));
    },
  };

  async function serve(request: Request, response: Response): Promise<void> {
    const plan = planFor(request, gatewayPort, decide);
    if (!plan) return refuse(response, 404);
    if (plan.type === "redirect") return refuse(response, 301, "", { location: plan.location });
    const timeoutMs = parseDuration(plan.timeout ?? "0s");
    const cancel =
      timeoutMs > 0
        ? handling.clock.setTimer(timeoutMs, () => refuse(response, 504, "upstream request timeout"))
        : () => {};
    try {
      await forward(request, response, plan.head, plan.destination, handling);
    } finally {
      cancel();
    }
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
