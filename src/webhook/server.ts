import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { hashHeader, probeHeader, probeValue } from "../apis/networking/headers.ts";
import type { CancelTimer, Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { untilAborted } from "../lib/until-aborted.ts";
import type { Admit } from "./admission.ts";
import { type BodyBudget, BodyTooLargeError, readBody } from "./body.ts";
import type { CertificateSource } from "./certificate-source.ts";
import type { WebhookMetrics } from "./metrics.ts";
import { formatReview, parseReview, type Review, ReviewError } from "./review.ts";

export interface WebhookServerOptions {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Every handshake uses the certificate that is current then; without one they fail. */
  readonly certificates: CertificateSource;
  readonly paths: ReadonlyMap<string, Admit>;
  readonly metrics?: WebhookMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tlsMinVersion?: "TLSv1.2" | "TLSv1.3";
  readonly drain?: DrainTimes;
  /** Starts the drain. */
  readonly signal: AbortSignal;
}

/** A drained server has seen no request for `quietMs`, or has been draining for `longestMs`. */
export interface DrainTimes {
  readonly quietMs: number;
  readonly longestMs: number;
}

export interface WebhookServer {
  readonly port: number;
  /** Settles once the signal has aborted, what was under way is answered, and every connection is closed. */
  readonly done: Promise<void>;
}

/** Endpoints move within a second or two, and clients that still come are told to close their connections. */
const defaultDrain: DrainTimes = { quietMs: 10_000, longestMs: 60_000 };
const headersTimeoutMs = 60_000;
/** No webhook may be given more than 30 s by the API server. */
const requestTimeoutMs = 30_000;
/** Longer than the API server keeps idle connections, so that it is never us who close one that is being used. */
const keepAliveTimeoutMs = 120_000;
const largestBodyBytes = 16 * 1024 * 1024;
const totalBodyBytes = 128 * 1024 * 1024;
const mostConnections = 4096;

/**
 * Serves webhooks over HTTPS (HTTP/1.1): kubelet probes on every path, admission on `paths`. Listens when it resolves.
 * When the signal aborts, probes fail at once while admission goes on until the endpoints have moved away.
 * Source: knative.dev/pkg webhook and network/handlers.Drainer, as serving v0.42.2 requires it.
 */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { certificates, paths, clock, log, signal } = options;
  const minVersion = options.tlsMinVersion ?? "TLSv1.3";
  const budget: BodyBudget = { largestBytes: largestBodyBytes, totalBytes: totalBodyBytes, usedBytes: 0 };
  let isDraining = false;
  let lastRequestAt = 0;

  const server = createServer({ minVersion, ...certificates.current() }, (request, response) => {
    if (isDraining) response.setHeader("connection", "close");
    handle(request, response).catch((error) => {
      log.error("a webhook request failed", { path: request.url, error });
      if (!response.headersSent) refuse(response, 500, "internal error");
      else response.destroy();
    });
  });
  server.headersTimeout = headersTimeoutMs;
  server.requestTimeout = requestTimeoutMs;
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.maxConnections = mostConnections;
  server.on("tlsClientError", (error) => log.debug("a TLS handshake failed", { error }));
  const stopFollowing = certificates.onChange((pair) => server.setSecureContext({ minVersion, ...pair }));

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (answerProbe(request, response, isDraining)) return;
    lastRequestAt = clock.monotonic();
    if (request.headers["content-type"] !== "application/json") {
      refuse(response, 415, "invalid Content-Type, want `application/json`");
      return;
    }
    const [path = "/"] = (request.url ?? "/").split("?", 1);
    const admit = paths.get(path);
    if (!admit) {
      refuse(response, 400, `no controller registered for: ${escapeHtml(path)}`);
      return;
    }
    await answerReview(admit, request, response);
  };

  const answerReview = async (admit: Admit, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startedAt = clock.monotonic();
    let review: Review;
    try {
      review = parseReview(await readBody(request, budget));
    } catch (error) {
      if (error instanceof ReviewError) refuse(response, 400, `could not decode body:${error.message}`);
      else if (error instanceof BodyTooLargeError) refuse(response, 413, error.message);
      else response.destroy();
      return;
    }
    const answer = await admit(review.request);
    const durationMs = clock.monotonic() - startedAt;
    options.metrics?.answered(review.request, answer, durationMs);
    log.debug("answered an AdmissionReview", {
      "admissionreview/uid": review.request.uid,
      "admissionreview/allowed": answer.allowed,
      "knative.dev/kind": review.request.kind.kind,
      "knative.dev/namespace": review.request.namespace,
      "knative.dev/name": review.request.name,
      "knative.dev/operation": review.request.operation,
      durationMs,
    });
    const body = formatReview(review, answer);
    response
      .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
      .end(body);
  };

  const drained = (): Promise<void> => {
    const { quietMs, longestMs } = options.drain ?? defaultDrain;
    isDraining = true;
    const startedAt = clock.monotonic();
    lastRequestAt = startedAt;
    log.info("readiness probes fail from now on; admission is served until no more requests come");
    return new Promise((resolve) => {
      const look = () => {
        const now = clock.monotonic();
        const dueAt = Math.min(lastRequestAt + quietMs, startedAt + longestMs);
        if (now >= dueAt) resolve();
        else clock.setTimer(dueAt - now, look);
      };
      look();
    });
  };

  const close = (): Promise<void> => {
    stopFollowing();
    return new Promise((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      // What is under way has its own time limit; connections that never finish must not hold us for ever.
      const cancel: CancelTimer = clock.setTimer(requestTimeoutMs, () => server.closeAllConnections());
      server.once("close", () => cancel());
    });
  };

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.address, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => log.error("the webhook server reports an error", { error }));
  const { port } = server.address() as AddressInfo;
  log.info(`webhooks are served on ${options.address}:${port}`);
  return { port, done: untilAborted(signal).then(drained).then(close) };
}

/** Answers kubelet's and Knative's probes; false where the request is none. */
function answerProbe({ headers }: IncomingMessage, response: ServerResponse, isDraining: boolean): boolean {
  const isKubelet = headers["user-agent"]?.startsWith("kube-probe/") || headers["k-kubelet-probe"] !== undefined;
  const isKnative = headers[probeHeader.toLowerCase()] === probeValue;
  if (!isKubelet && !isKnative) return false;
  const hash = headers[hashHeader.toLowerCase()];
  if (isDraining) {
    refuse(response, 503, "shutting down");
  } else if (isKubelet) {
    response.writeHead(200).end();
  } else if (!hash) {
    refuse(response, 400, `a probe request must contain a non-empty "${hashHeader}" header`);
  } else {
    response.writeHead(200, { [hashHeader]: hash }).end();
  }
  return true;
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
    // A body that was not read would otherwise have to be, before the next request.
    ...(status === 413 && { connection: "close" }),
  };
  response.writeHead(status, headers).end(`${message}\n`);
}

const entities: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  "'": "&#39;",
  '"': "&#34;",
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[<>&'"]/g, (character) => entities[character]!);
}
