import type { IncomingMessage } from "node:http";
import { type Duplex, PassThrough, Writable } from "node:stream";
import type { RawData } from "ws";
import { type ExecClient, type ExecStreams, nowhere } from "./exec-client.ts";
import { acceptWebSocket, offeredProtocols } from "./handshake.ts";

/** The protocols that are spoken, the best first: version 5 can say that the input has ended. */
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** The protocol for a client that asks for a WebSocket; undefined when it offers none that is known. */
export function execProtocol(request: IncomingMessage): string | undefined {
  const offered = offeredProtocols(request);
  return protocols.find((name) => offered.includes(name));
}

/**
 * Serves pods/exec on a WebSocket: each message begins with its channel's number.
 * Source: k8s.io/apimachinery pkg/util/remotecommand, k8s.io/client-go tools/remotecommand/websocket.go.
 */
export async function execByWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
  streams: ExecStreams,
): Promise<ExecClient> {
  const webSocket = await acceptWebSocket(request, socket, head, protocol);
  const input = new PassThrough();
  const sizes = new PassThrough();
  const gone = new AbortController();
  input.on("drain", () => webSocket.resume());
  webSocket.on("message", (data: RawData) => {
    const bytes = data as Buffer;
    const rest = bytes.subarray(1);
    if (bytes[0] === channels.close && rest[0] === channels.stdin) input.end();
    else if (bytes[0] === channels.resize) sizes.write(rest);
    else if (bytes[0] === channels.stdin && rest.length > 0 && !input.writableEnded && !input.write(rest)) {
      webSocket.pause();
    }
  });
  webSocket.on("error", () => webSocket.terminate());
  webSocket.once("close", () => {
    gone.abort();
    input.end();
    sizes.end();
  });
  const send = (channel: number, bytes: Uint8Array) =>
    new Promise<void>((resolve) => {
      if (webSocket.readyState !== webSocket.OPEN) return resolve();
      webSocket.send(Buffer.concat([Buffer.of(channel), bytes]), () => resolve());
    });
  const to = (channel: number) =>
    new Writable({ write: (chunk: Buffer, _encoding, done) => void send(channel, chunk).then(() => done()) });
  // Tells the client that the connection stands, before there is anything to read.
  await send(streams.stdout ? channels.stdout : channels.error, Buffer.alloc(0));
  return {
    input,
    output: streams.stdout ? to(channels.stdout) : nowhere(),
    errors: streams.stderr && !streams.tty ? to(channels.stderr) : nowhere(),
    sizes,
    gone: gone.signal,
    async finish(status) {
      await send(channels.error, Buffer.from(JSON.stringify(status)));
      webSocket.close(1000);
    },
  };
}
