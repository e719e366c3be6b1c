import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect as connectHttp2, constants } from "node:http2";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Container, Probe } from "../../../apis/core/pod-spec.ts";
import type { GRPCAction, HTTPGetAction } from "../../../apis/core/probe.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Locate } from "../../../lib/locate.ts";
import { kubernetesRelease } from "../../kubernetes-release.ts";
import { deadlineAfter } from "../deadline.ts";

/** What a probe or a hook found; `message` says what went wrong, in the kubelet's words. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

export interface ActionTarget {
  readonly container: Container;
  readonly podIP: string;
  readonly locate: Locate;
  readonly clock: Clock;
  /** Runs a command as the container would; resolves with its exit code and the end of its output. */
  exec(command: readonly string[], timeoutMs: number): Promise<{ readonly code: number; readonly output: string }>;
}

const maxBodyBytes = 10 * 1024;
const userAgent = `kube-probe/${kubernetesRelease.major}.${kubernetesRelease.minor}`;

/** Makes one attempt. Never rejects. Source: k8s.io/kubernetes v1.34 pkg/probe. */
export async function attempt(
  action: Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc">,
  target: ActionTarget,
  timeoutMs: number,
): Promise<Outcome> {
  if (action.exec) return runExec(action.exec.command ?? [], target, timeoutMs);
  const { signal, cancel } = deadlineAfter(timeoutMs, target.clock);
  try {
    if (action.httpGet) return await getHttp(action.httpGet, target, signal);
    if (action.tcpSocket) {
      const host = action.tcpSocket.host || target.podIP;
      return await openTcp(host, portOf(action.tcpSocket.port, target), target.locate, signal);
    }
    if (action.grpc) return await checkGrpc(action.grpc, target, timeoutMs, signal);
    return { ok: false, message: "missing probe handler" };
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  } finally {
    cancel();
  }
}

/** The number of a port that is given by number or by name. */
function portOf(port: number | string, { container }: ActionTarget): number {
  if (typeof port === "number") return port;
  const found = container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (!(found > 0 && found < 65_536)) throw new Error(`couldn't find port: ${port}`);
  return found;
}

async function runExec(command: readonly string[], target: ActionTarget, timeoutMs: number): Promise<Outcome> {
  const { code, output } = await target.exec(command, timeoutMs);
  return code === 0 ? { ok: true } : { ok: false, message: output };
}

async function getHttp(action: HTTPGetAction, target: ActionTarget, signal: AbortSignal): Promise<Outcome> {
  const host = action.host || target.podIP;
  const scheme = action.scheme === "HTTPS" ? "https" : "http";
  const path = action.path || "/";
  let url = new URL(`${scheme}://${host}:${portOf(action.port, target)}${path.startsWith("/") ? path : `/${path}`}`);
  const given = (action.httpHeaders ?? []).map(({ name, value }) => [name, value] as const);
  const has = (name: string) => given.some(([other]) => other.toLowerCase() === name);
  const headers: [string, string][] = [
    ...(has("user-agent") ? [] : ([["User-Agent", userAgent]] as [string, string][])),
    ...(has("accept") ? [] : ([["Accept", "*/*"]] as [string, string][])),
    ...(has("host") ? [] : ([["Host", url.host]] as [string, string][])),
    ["Connection", "close"],
    ...given.map(([name, value]) => [name, value] as [string, string]),
  ];
  for (let redirects = 0; ; redirects++) {
    const response = await send(url, headers, target.locate, signal);
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if (status >= 300 && status < 400 && location && status !== 304) {
      const next = new URL(location, url);
      response.destroy();
      // The kubelet counts a redirect to elsewhere as success, with a warning.
      if (next.hostname !== url.hostname || redirects >= 10) return { ok: true };
      url = next;
      continue;
    }
    await readBody(response, url, signal);
    if (status >= 200 && status < 400) return { ok: true };
    return { ok: false, message: `HTTP probe failed with statuscode: ${status}` };
  }
}

function send(
  url: URL,
  headers: readonly [string, string][],
  locate: Locate,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const isSecure = url.protocol === "https:";
  const request = isSecure ? httpsRequest : httpRequest;
  const { host, port } = locate({ host: url.hostname, port: Number(url.port || (isSecure ? 443 : 80)) });
  return new Promise((resolve, reject) => {
    const flat = headers.flat();
    const options = { hostname: host, port, agent: false, headers: flat, rejectUnauthorized: false, signal };
    const sent = request(url, options, resolve);
    sent.on("error", (error) => reject(new Error(`Get "${url}": ${describe(error, url.hostname, url.port)}`)));
    sent.end();
  });
}

/** Reads the body as far as the kubelet does, who wants it within the probe's time too. */
async function readBody(response: IncomingMessage, url: URL, signal: AbortSignal): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      if (bytes >= maxBodyBytes) return;
    }
  } catch (error) {
    const why = signal.aborted ? timedOut("reading body") : describe(error as Error, url.hostname, url.port);
    throw new Error(`Get "${url}": ${why}`);
  }
}

const timedOut = (during: string) => `context deadline exceeded (Client.Timeout exceeded while ${during})`;

function describe(error: NodeJS.ErrnoException, host: string, port: number | string): string {
  if (error.name === "AbortError") return timedOut("awaiting headers");
  if (error.code === "ECONNREFUSED") return `dial tcp ${host}:${port}: connect: connection refused`;
  if (error.code === "ECONNRESET") return "EOF";
  return error.message;
}

function openTcp(host: string, port: number, locate: Locate, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ ...locate({ host, port }), signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve({ ok: true });
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const isLate = error.name === "AbortError";
      const message = isLate ? `dial tcp ${host}:${port}: i/o timeout` : describe(error, host, port);
      resolve({ ok: false, message });
    });
  });
}

/** grpc.health.v1.Health/Check in plain text. */
function checkGrpc(
  { port, service = "" }: GRPCAction,
  { podIP: host, locate }: ActionTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const at = locate({ host, port });
  return new Promise((resolve) => {
    const session = connectHttp2(`http://${at.host}:${at.port}`);
    const finish = (outcome: Outcome) => {
      resolve(outcome);
      session.destroy();
    };
    const failed = `failed to connect service "${host}:${port}" within ${timeoutMs / 1000}s: `;
    signal.addEventListener("abort", () =>
      finish({ ok: false, message: `timeout: ${failed}context deadline exceeded` }),
    );
    session.on("error", (error) => finish({ ok: false, message: `${failed}${describe(error, host, port)}` }));
    const name = Buffer.from(service);
    const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": userAgent,
    });
    const chunks: Buffer[] = [];
    let status: string | undefined;
    stream.on("response", (headers) => {
      status = headers["grpc-status"] as string | undefined;
    });
    stream.on("trailers", (headers) => {
      status = headers["grpc-status"] as string | undefined;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("error", () => {});
    stream.once("close", () => {
      // The session's own error, which says more, comes right after.
      if (status === undefined) {
        setImmediate(() => finish({ ok: false, message: `${failed}the connection ended without an answer` }));
        return;
      }
      const body = Buffer.concat(chunks);
      // Field 1, a varint: 1 is SERVING.
      const serving = body.length >= 7 && body[5] === 0x08 ? body[6]! : 0;
      if (status === "0" && serving === 1) return finish({ ok: true });
      const names = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
      const why =
        status === "12"
          ? "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
          : status === "0"
            ? `service unhealthy (responded with "${names[serving] ?? serving}")`
            : `service unhealthy (grpc status ${status})`;
      finish({ ok: false, message: why });
    });
    stream.end(frame);
  });
}
