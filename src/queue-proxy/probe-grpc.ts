import type { Clock } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import { HeaderList, headerName, names } from "./codec/headers.ts";
import { Http2ClientConnection } from "./http2-client.ts";
import { probeUserAgent } from "./probe-http.ts";
import type { Network } from "./transport.ts";

const retryMs = 50;
const maxAnswerBytes = 1024;
const servingStatus = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const codeNames: Readonly<Record<string, string>> = {
  "1": "Canceled",
  "2": "Unknown",
  "3": "InvalidArgument",
  "4": "DeadlineExceeded",
  "5": "NotFound",
  "7": "PermissionDenied",
  "12": "Unimplemented",
  "13": "Internal",
  "14": "Unavailable",
  "16": "Unauthenticated",
};
const grpcStatus = headerName("grpc-status")!;
const grpcMessage = headerName("grpc-message")!;

/** What a health call came to: a status from the message, or a gRPC error. */
interface Outcome {
  readonly code: string;
  readonly message: string;
  readonly body: Buffer;
}

/**
 * One check by grpc.health.v1.Health/Check on the pod's loopback address: SERVING passes. A refused connection is tried
 * again until `timeoutMs` is over. Rejects with the reason. Source: serving v0.42.2 pkg/queue/health/probe.go (GRPCProbe).
 */
export async function probeGrpc(
  network: Network,
  clock: Clock,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<void> {
  const address = `127.0.0.1:${port}`;
  const endMs = clock.monotonic() + timeoutMs;
  const within = formatDuration(timeoutMs);
  const connection = await connectUntil(network, clock, port, endMs);
  if (!connection) {
    throw new Error(`failed to connect service "${address}" within ${within}: context deadline exceeded`);
  }
  let outcome: Outcome | undefined;
  try {
    outcome = await check(connection, clock, address, service, endMs - clock.monotonic());
  } finally {
    connection.destroy();
  }
  if (!outcome) throw new Error(`health rpc did not complete within ${within}: context deadline exceeded`);
  if (outcome.code !== "0") {
    const error = `rpc error: code = ${codeNames[outcome.code] ?? `Code(${outcome.code})`} desc = ${outcome.message}`;
    if (outcome.code !== "12") throw new Error(`health rpc probe failed: ${error}`);
    throw new Error(`this server does not implement the grpc health protocol (grpc.health.v1.Health) ${error}`);
  }
  const status = readStatus(outcome.body);
  if (status !== 1) {
    throw new Error(`service unhealthy (responded with ${JSON.stringify(servingStatus[status] ?? String(status))})`);
  }
}

async function connectUntil(network: Network, clock: Clock, port: number, endMs: number) {
  while (clock.monotonic() < endMs) {
    const connection = await connectOnce(network, clock, port, endMs - clock.monotonic());
    if (connection) return connection;
    await clock.sleep(Math.min(retryMs, Math.max(0, endMs - clock.monotonic())));
  }
  return undefined;
}

function connectOnce(network: Network, clock: Clock, port: number, timeoutMs: number) {
  return new Promise<Http2ClientConnection | undefined>((resolve) => {
    const cancelTimer = clock.setTimer(timeoutMs, () => {
      giveUp();
      resolve(undefined);
    });
    const giveUp = network.connect(
      { host: "127.0.0.1", port },
      (socket) => {
        cancelTimer();
        const connection = new Http2ClientConnection(socket, clock, () => {});
        resolve(connection);
        return connection;
      },
      () => {
        cancelTimer();
        resolve(undefined);
      },
    );
  });
}

function check(connection: Http2ClientConnection, clock: Clock, host: string, service: string, timeoutMs: number) {
  return new Promise<Outcome | undefined>((resolve) => {
    const cancelTimer = clock.setTimer(Math.max(0, timeoutMs), () => resolve(undefined));
    const settle = (outcome: Outcome) => {
      cancelTimer();
      resolve(outcome);
    };
    const headers = new HeaderList();
    headers.add(names.contentType, "application/grpc");
    headers.add(names.userAgent, `${probeUserAgent} grpc-hakn`);
    headers.add(names.te, "trailers");
    const chunks: Uint8Array[] = [];
    let size = 0;
    let head: HeaderList | undefined;
    const request = connection.send(
      {
        method: "POST",
        target: "/grpc.health.v1.Health/Check",
        host,
        headers,
        bodyLength: "unknown",
        upgrade: undefined,
      },
      {
        informational() {},
        head: (response) => {
          head = response.headers;
        },
        body: (chunk) => {
          size += chunk.length;
          if (size <= maxAnswerBytes) chunks.push(Buffer.from(chunk));
        },
        end: (trailers) => {
          const status = trailers?.has(grpcStatus) ? trailers : head;
          const code = status?.get(grpcStatus) ?? "2";
          settle({ code, message: status?.get(grpcMessage) ?? "", body: Buffer.concat(chunks) });
        },
        switched() {},
        writable() {},
        failed: (error) => settle({ code: "14", message: error.message, body: Buffer.alloc(0) }),
      },
    );
    request.body(encodeRequest(service));
    request.end();
  });
}

/** A gRPC frame with HealthCheckRequest{service}. */
function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, "utf8").subarray(0, 127);
  const message = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : Buffer.alloc(0);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/** The status field of a gRPC frame with HealthCheckResponse; absent means 0. */
function readStatus(body: Buffer): number {
  const message = body.subarray(5);
  return message.length >= 2 && message[0] === 0x08 ? message[1]! : 0;
}
