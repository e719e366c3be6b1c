import type { Clock } from "../lib/clock.ts";
import { type HeaderList, HeaderList as Headers, headerName, names } from "./codec/headers.ts";
import { Http1ClientConnection } from "./http1-client.ts";
import { Http2ClientConnection } from "./http2-client.ts";
import { dialFailure } from "./probe-tcp.ts";
import type { HttpGetAction } from "./readiness.ts";
import type { Network } from "./transport.ts";

const maxRedirects = 10;

/** The user agent of probes: upstream never fills in the versions after the prefix. */
export const probeUserAgent = "kube-probe//";

interface ProbeResponse {
  readonly status: number;
  readonly headers: HeaderList;
}

/**
 * One HTTP probe: a status of 200 to 399 passes. With `detectHttp2` an upgrade to h2c is offered first.
 * Rejects with the reason. Source: serving v0.42.2 pkg/queue/health/probe.go.
 */
export async function probeHttp(
  network: Network,
  clock: Clock,
  action: HttpGetAction,
  timeoutMs: number,
  detectHttp2: boolean,
): Promise<void> {
  const scheme = (action.scheme || "http").toLowerCase();
  const host = action.host || "127.0.0.1";
  const base = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${action.port}`;
  const path = action.path ?? "";
  const url = new URL(base + (path.startsWith("/") || path === "" ? path : `/${path}`));
  const deadlineMs = clock.monotonic() + timeoutMs;
  const headers = new Headers();
  headers.add(names.userAgent, probeUserAgent);
  let http2: boolean = false;
  if (detectHttp2) {
    // Whatever answers this is at least HTTP/1; only the upgrade itself is not followed here.
    const offer = headers.copy();
    offer.add(names.http2Settings, "");
    let response: ProbeResponse;
    try {
      response = await request(network, clock, "OPTIONS", url, offer, deadlineMs, "h2c");
      if (response.status !== 101) checkReady(response);
    } catch (error) {
      throw new Error(`failed to run HTTP2 upgrade probe with error: ${(error as Error).message}`, { cause: error });
    }
    if (response.status !== 101) return;
    http2 = true;
  }
  for (const { name, value } of action.httpHeaders ?? []) {
    const known = headerName(name);
    if (known) headers.add(known, value);
  }
  if (!http2) headers.add(names.connection, "close");
  if (!headers.has(acceptEncoding)) headers.add(acceptEncoding, "gzip");
  let target = url;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await request(network, clock, "GET", target, headers, deadlineMs, undefined, http2);
    const location = response.headers.get(locationName);
    if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return checkReady(response);
    target = new URL(location, target);
  }
  throw new Error(`Get "${target}": stopped after ${maxRedirects} redirects`);
}

const acceptEncoding = headerName("Accept-Encoding")!;
const locationName = headerName("Location")!;

function checkReady(response: ProbeResponse): void {
  if (response.status >= 200 && response.status < 400) return;
  throw new Error(`HTTP probe did not respond Ready, got status code: ${response.status}`);
}

function request(
  network: Network,
  clock: Clock,
  method: string,
  url: URL,
  headers: HeaderList,
  deadlineMs: number,
  upgrade: string | undefined,
  http2 = false,
): Promise<ProbeResponse> {
  const secure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (secure ? 443 : 80));
  const describe = (error: Error) =>
    new Error(`${method === "GET" ? "Get" : "Options"} "${url}": ${error.message}`, { cause: error });
  return new Promise((resolve, reject) => {
    let client: Http1ClientConnection | Http2ClientConnection | undefined;
    const settle = (act: () => void) => {
      cancelTimer();
      cancelConnect();
      client?.destroy();
      act();
    };
    const cancelTimer = clock.setTimer(Math.max(0, deadlineMs - clock.monotonic()), () => {
      const text = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
      settle(() => reject(describe(new Error(text))));
    });
    const cancelConnect = network.connect(
      { host, port, tls: secure ? { serverName: host } : undefined },
      (connection) => {
        client = http2
          ? new Http2ClientConnection(connection, clock, () => {})
          : new Http1ClientConnection(connection, { idle: (self) => self.destroy(), gone() {} });
        let found: ProbeResponse | undefined;
        client.send(
          { method, target: (url.pathname || "/") + url.search, host: url.host, headers, bodyLength: 0, upgrade },
          {
            informational() {},
            head: (response) => {
              found = response;
              // The answer's head decides; a body without end must not hold the probe up.
              queueMicrotask(() => settle(() => resolve(response)));
            },
            body() {},
            end() {},
            writable() {},
            switched: (switchedHeaders) => settle(() => resolve({ status: 101, headers: switchedHeaders })),
            failed: (error) => {
              if (!found) settle(() => reject(describe(error)));
            },
          },
        );
        return client;
      },
      (error) => settle(() => reject(describe(dialFailure(host, port, error)))),
    );
  });
}
