import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Client } from "../../kube/api.ts";
import type { Connection } from "../../kube/credentials.ts";
import type { Clock } from "../../lib/clock.ts";
import { asAddressed, type Locate } from "../../lib/locate.ts";
import type { Logger } from "../../lib/log.ts";
import { createAdmission } from "./admission.ts";
import { followAggregatedRoles } from "./aggregated-roles.ts";
import { notReady, sendError, warningHeader } from "./answer.ts";
import { createAuthenticator } from "./authentication.ts";
import { createAuthorizer } from "./authorization.ts";
import { ensureClusterRoles } from "./bootstrap-rbac.ts";
import { makeBuiltIns } from "./builtins.ts";
import type { Api, Call } from "./call.ts";
import { followDefinitions } from "./definitions.ts";
import { createDocuments } from "./documents.ts";
import { expireEvents } from "./event-expiry.ts";
import { impersonated } from "./impersonation.ts";
import { makeKubeconfig } from "./kubeconfig.ts";
import { publishKubernetesService } from "./kubernetes-service.ts";
import { ensureNamespaces, namespaceLifecycle } from "./namespaces.ts";
import { createNodeProxy } from "./node-proxy.ts";
import { createOwnClient } from "./own-client.ts";
import { loadPki } from "./pki.ts";
import { withQuotas } from "./quota/charge.ts";
import { createRegistry } from "./registry.ts";
import { route, type Server } from "./routes.ts";
import { createTokenSigner } from "./service-account-tokens.ts";
import { serviceAccountAdmission } from "./service-accounts.ts";
import { openStorage } from "./storage.ts";
import { answerUpgrade } from "./upgrade.ts";
import { createWatchCache } from "./watch-cache.ts";
import { webhookAdmission } from "./webhook-admission.ts";
import { createWebhookCaller } from "./webhook-call.ts";

export interface ApiServerOptions {
  /** Where objects and certificates are kept; made when it is not there. */
  readonly dataDir: string;
  /** The name of the kubeconfig's context; "hakn" unless told. */
  readonly contextName?: string;
  /** The address to listen on, such as 127.0.0.1. */
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where webhooks and nodes are reached; at their addresses unless told. */
  readonly locate?: Locate;
  readonly clock: Clock;
  readonly log: Logger;
  /** Closes the server when it aborts. */
  readonly signal?: AbortSignal;
}

export interface ApiServer {
  /** `https://address:port`. */
  readonly url: string;
  readonly port: number;
  /** The authority that signed the server's certificate (PEM). */
  readonly caCertificate: string;
  /** A kubeconfig (YAML) of a cluster administrator. */
  readonly adminKubeconfig: string;
  /** How programs of this machine connect as administrator. */
  readonly loopbackClientConfig: Connection;
  /** A client for this process, see own-client.ts. */
  ownClient(userAgent: string): Client;
  /** Refuses new requests, ends watches, commits what was accepted, and settles when all is closed. */
  close(): Promise<void>;
}

/** A client has so long to send its headers and its whole request. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 60_000;

/** Starts a Kubernetes-compatible API server. Resolves once it answers. Rejects when it cannot listen or read its data. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { dataDir, clock, log, locate = asAddressed } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const pki = await loadPki(dataDir, {
    dnsNames: [
      "localhost",
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      "kubernetes.default.svc.cluster.local",
    ],
    ipAddresses: [...new Set([options.address, "127.0.0.1", "10.96.0.1"])],
    nowMs: clock.now(),
  });
  const storage = withQuotas(openStorage(join(dataDir, "cluster.db")));
  const registry = createRegistry(makeBuiltIns());
  const webhooks = createWebhookCaller(storage, locate);
  const admission = createAdmission([
    namespaceLifecycle(storage),
    serviceAccountAdmission(storage),
    webhookAdmission(storage, webhooks.call, clock),
  ]);
  const api: Api = { storage, cache: createWatchCache(storage, clock), registry, admission, clock, log };
  await ensureNamespaces(api, randomUUID);
  await ensureClusterRoles(api, randomUUID);

  const stopFollowing = [followDefinitions(api), followAggregatedRoles(api), expireEvents(api)];

  const signer = createTokenSigner(pki.tokenKey);
  let url = "";
  const server: Server = {
    api,
    signer,
    authenticator: createAuthenticator(pki.adminToken, signer, storage, clock),
    authorizer: createAuthorizer(storage),
    documents: createDocuments(registry, signer, () => url),
    proxy: createNodeProxy(storage, locate),
  };
  const closing = new AbortController();
  const timeouts = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 90_000,
  };
  const https = createServer(
    {
      key: pki.server.key,
      cert: pki.server.certificate,
      ca: pki.authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
      ...timeouts,
    },
    (request, response) => {
      answer(server, closing.signal, request, response).catch((error: unknown) => {
        sendError(request, response, error, log);
      });
    },
  );
  https.on("upgrade", (request, socket, head) => {
    void answerUpgrade(server, request, socket, head, closing.signal, options.clock, log);
  });
  const port = await listen(https, options.port, options.address);
  url = `https://${options.address}:${port}`;
  await publishKubernetesService(api, options.address, port);

  let closed: Promise<void> | undefined;
  const close = () => {
    closing.abort();
    closed ??= closeServer(https, clock).then(() => {
      for (const stop of stopFollowing) stop();
      webhooks.close();
      api.cache.close();
      storage.close();
    });
    return closed;
  };
  if (options.signal?.aborted) await close();
  options.signal?.addEventListener("abort", () => void close(), { once: true });
  log.info("the API server answers", { url });
  const caCertificate = pki.authority.certificate;
  return {
    url,
    port,
    caCertificate,
    adminKubeconfig: makeKubeconfig(url, caCertificate, pki.admin, options.contextName ?? "hakn"),
    loopbackClientConfig: { server: url, ca: caCertificate, token: pki.adminToken },
    ownClient: (userAgent) => createOwnClient(api, signer, userAgent),
    close,
  };
}

/** Resolves with the port. */
async function listen(listener: TlsServer, port: number, address: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(port, address, () => {
      listener.off("error", reject);
      resolve();
    });
  });
  return (listener.address() as AddressInfo).port;
}

/** Takes no more connections, and gives requests under way a little time. */
function closeServer(server: TlsServer, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(2000, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** Why a call's signal aborts. Made once: the default reason is an exception of its own, with a stack, per request. */
const ended = new Error("the request has ended");

/** A signal that aborts when the answer is over, the client gone or the server closing. Most requests do without. */
function untilEnd(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const end = () => {
    closing.removeEventListener("abort", end);
    gone.abort(ended);
  };
  if (closing.aborted || response.closed) end();
  closing.addEventListener("abort", end, { once: true });
  response.once("close", end);
  return gone.signal;
}

async function answer(
  server: Server,
  closing: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (closing.aborted) throw notReady();
  const user = impersonated(server.authenticator.authenticate(request), request.headers, server.authorizer);
  const url = new URL(request.url ?? "/", "https://localhost");
  let signal: AbortSignal | undefined;
  const warnings = new Set<string>();
  const call: Call = {
    user,
    query: url.searchParams,
    userAgent: request.headers["user-agent"] ?? "",
    get signal() {
      signal ??= untilEnd(response, closing);
      return signal;
    },
    warn(text) {
      warnings.add(text);
      if (!response.headersSent) response.setHeader("warning", [...warnings].map(warningHeader));
    },
  };
  await route(server, call, url.pathname, request, response);
}
