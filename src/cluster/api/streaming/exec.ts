import type { IncomingMessage } from "node:http";
import type { Duplex, Readable } from "node:stream";
import type { Status } from "../../../apis/meta.ts";
import type { Clock } from "../../../lib/clock.ts";
import { messageOf } from "../../../lib/error-message.ts";
import { type ExecResult, execChannels, execFrame, execMessage, readExecFrames } from "../../exec-frames.ts";
import { writeTo } from "../../write-to.ts";
import { isSet } from "../call.ts";
import { badRequest } from "../status-errors.ts";
import { type ExecClient, type ExecStreams, firstSize } from "./exec-client.ts";
import { execBySpdy, speaksSpdy } from "./exec-spdy.ts";
import { execByWebSocket, execProtocol } from "./exec-websocket.ts";
import { upgradeOf } from "./handshake.ts";

/** What the node is asked to run. */
export interface ExecRequest {
  /** "": the pod's only container, or its default one. */
  readonly container: string;
  readonly command: readonly string[];
  readonly input: boolean;
  readonly terminal: boolean;
}

/** Starts a command in a container of the pod that is meant; the connection carries frames (see exec-frames.ts). */
export type StartCommand = (request: ExecRequest) => Promise<Duplex>;

/** A client that has a terminal tells its size at once; nobody waits for one that does not. */
const sizePatienceMs = 500;

/**
 * Takes the connection of `kubectl exec`, by WebSocket or SPDY/3.1, once the node has begun. Throws ApiError before that.
 */
export async function execInContainer(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  query: URLSearchParams,
  start: StartCommand,
  clock: Clock,
): Promise<void> {
  const streams: ExecStreams = {
    stdin: isSet(query, "stdin"),
    stdout: isSet(query, "stdout"),
    stderr: isSet(query, "stderr"),
    tty: isSet(query, "tty"),
  };
  const command = query.getAll("command");
  if (command.length === 0) throw badRequest("you must specify at least one command for the container");
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  }
  const accept = acceptance(request, socket, head, streams);
  const node = await start({
    container: query.get("container") ?? "",
    command,
    input: streams.stdin,
    terminal: streams.tty,
  });
  node.on("error", () => node.destroy());
  try {
    const client = await accept();
    client.gone.addEventListener("abort", () => node.destroy(), { once: true });
    if (client.gone.aborted) return;
    const result = await carry(client, node, streams, clock).catch((error): ExecResult => {
      return { failure: messageOf(error) };
    });
    await client.finish(statusOf(result));
  } finally {
    node.destroy();
  }
}

/** Throws ApiError when the client speaks none of the protocols. */
function acceptance(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  streams: ExecStreams,
): () => Promise<ExecClient> {
  const upgrade = upgradeOf(request);
  const protocol = execProtocol(request);
  if (upgrade === "websocket" && protocol) return () => execByWebSocket(request, socket, head, protocol, streams);
  if (upgrade === "spdy/3.1" && speaksSpdy(request)) return () => execBySpdy(socket, head, streams);
  throw badRequest(
    "unable to upgrade: only v5 and v4.channel.k8s.io by WebSocket, and v4.channel.k8s.io by SPDY/3.1 are understood",
  );
}

async function carry(client: ExecClient, node: Duplex, { tty }: ExecStreams, clock: Clock): Promise<ExecResult> {
  if (tty) {
    const size = await Promise.race([firstSize(client.sizes), clock.sleep(sizePatienceMs).then(() => undefined)]);
    node.write(execMessage(execChannels.size, size ?? null));
  }
  void passInput(client.input, node).catch(() => node.destroy());
  for await (const { channel, bytes } of readExecFrames(node as AsyncIterable<Buffer>)) {
    if (channel === execChannels.output) await writeTo(client.output, bytes);
    else if (channel === execChannels.errors) await writeTo(client.errors, bytes);
    else if (channel === execChannels.result) return JSON.parse(String(bytes)) as ExecResult;
  }
  throw new Error("the node's agent ended before the command did");
}

async function passInput(input: Readable, node: Duplex): Promise<void> {
  for await (const chunk of input as AsyncIterable<Buffer>) await writeTo(node, execFrame(execChannels.input, chunk));
  await writeTo(node, execFrame(execChannels.input, Buffer.alloc(0)));
}

const empty = { apiVersion: "v1", kind: "Status", metadata: {} } as const;

/** As the kubelet tells it. Source: k8s.io/kubelet pkg/cri/streaming/remotecommand/exec.go. */
function statusOf(result: ExecResult): Status {
  if ("failure" in result) {
    const message = `error executing command in container: ${result.failure}`;
    return {
      ...empty,
      status: "Failure",
      message: `Internal error occurred: ${message}`,
      reason: "InternalError",
      details: { causes: [{ message }] },
      code: 500,
    };
  }
  const { exitCode } = result;
  if (exitCode === 0) return { ...empty, status: "Success" };
  return {
    ...empty,
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}
