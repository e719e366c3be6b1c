import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import {
  hashHeader,
  hashOverride,
  ingressProbeUserAgent,
  probeHeader,
  probeValue,
} from "../apis/networking/headers.ts";
import type { ProbeTarget } from "./probe-targets.ts";

/** What a gateway answered to a probe. */
export interface ProbeAnswer {
  readonly status: number;
  /** The hash of the Ingress that the gateway serves, where who answered told it. */
  readonly hash: string | undefined;
  /** The first part of the body, by which Envoy's own answers are known. */
  readonly text: string;
}

export type Probe = (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeAnswer>;

const longestText = 256;

/**
 * Asks one gateway pod which state of an Ingress it serves, on a connection of its own. Certificates are not verified:
 * what counts is that the gateway is configured, not that its clients would be content. Rejects where nobody answers.
 * Source: knative.dev/networking pkg/status, as serving v0.42.2 requires it.
 */
export const probeGateway: Probe = ({ scheme, host, address, port }, signal) =>
  new Promise((resolve, reject) => {
    const options = {
      host: address,
      port,
      path: "/healthz",
      headers: {
        host,
        "user-agent": ingressProbeUserAgent,
        [probeHeader]: probeValue,
        [hashHeader]: hashOverride,
        connection: "close",
      },
      agent: false,
      signal,
    } as const;
    const request =
      scheme === "https"
        ? httpsRequest({ ...options, servername: host, rejectUnauthorized: false })
        : httpRequest(options);
    request.on("error", reject);
    request.on("response", (response) => {
      const hash = response.headers[hashHeader.toLowerCase()];
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        if (text.length < longestText) text += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, hash: Array.isArray(hash) ? hash[0] : hash, text });
      });
    });
    request.end();
  });
