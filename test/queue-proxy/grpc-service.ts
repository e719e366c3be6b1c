import type { EventEmitter } from "node:events";
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Client as GrpcClient,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type StatusObject,
  type sendUnaryData,
} from "@grpc/grpc-js";

const bytes = (message: Buffer) => message;
const options = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

const definition = {
  unary: method("/test.Echo/Unary", false, false),
  collect: method("/test.Echo/Collect", true, false),
  repeat: method("/test.Echo/Repeat", false, true),
  chat: method("/test.Echo/Chat", true, true),
};

type Call = EventEmitter & Pick<ServerUnaryCall<Buffer, Buffer>, "metadata" | "sendMetadata">;

/** What the container has seen of its calls. */
export interface GrpcContainer {
  readonly port: number;
  /** Calls that ended because the client gave up. */
  cancelled: number;
  /** Metadata of the last call. */
  metadata: Metadata;
  stop(): void;
}

/**
 * A container that speaks gRPC. Messages are plain bytes. Metadata of the request says how it behaves: `fail` (a status
 * code; the answer is then trailers alone), `hang` (never answer), `count` (answers of Repeat), `stop-after` (answers of
 * Chat before it ends by itself); `x-…` entries are sent back with the head, `t-…` entries with the trailers.
 */
export async function startGrpcContainer(): Promise<GrpcContainer> {
  const server = new Server(options);
  const seen = { port: 0, cancelled: 0, metadata: new Metadata(), stop: () => server.forceShutdown() };
  const take = (call: Call) => {
    seen.metadata = call.metadata;
    call.on("cancelled", () => seen.cancelled++);
    const head = select(call.metadata, "x-");
    if (Object.keys(head.getMap()).length > 0) call.sendMetadata(head);
    return text(call.metadata, "hang") !== undefined;
  };
  const failure = (call: Call): Partial<StatusObject> | undefined => {
    const code = text(call.metadata, "fail");
    if (code === undefined) return undefined;
    return { code: Number(code), details: "no: ä & 100%", metadata: select(call.metadata, "t-") };
  };
  server.addService(definition, {
    unary(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      if (take(call)) return;
      const failed = failure(call);
      if (failed) answer(failed);
      else answer(null, call.request, select(call.metadata, "t-"));
    },
    collect(call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      if (take(call)) return;
      const failed = failure(call);
      if (failed) {
        answer(failed);
        return;
      }
      const parts: Buffer[] = [];
      call.on("data", (part: Buffer) => parts.push(part));
      call.on("end", () => answer(null, Buffer.concat(parts)));
    },
    repeat(call: ServerWritableStream<Buffer, Buffer>) {
      if (take(call)) return;
      const count = Number(text(call.metadata, "count"));
      let sent = 0;
      const more = () => {
        while (sent < count) {
          sent++;
          if (!call.write(call.request)) {
            call.once("drain", more);
            return;
          }
        }
        const failed = failure(call);
        if (failed) call.emit("error", failed);
        else call.end(select(call.metadata, "t-"));
      };
      more();
    },
    chat(call: ServerDuplexStream<Buffer, Buffer>) {
      if (take(call)) return;
      const limit = Number(text(call.metadata, "stop-after") ?? Number.POSITIVE_INFINITY);
      let answered = 0;
      call.on("data", (message: Buffer) => {
        if (answered >= limit) return;
        call.write(message);
        if (++answered === limit) call.end();
      });
      call.on("end", () => call.end());
      call.on("error", () => {});
    },
  });
  seen.port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  return seen;
}

function text(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return value === undefined ? undefined : String(value);
}

function select(metadata: Metadata, prefix: string): Metadata {
  const result = new Metadata();
  for (const key of Object.keys(metadata.getMap())) {
    // Forwarding headers begin like this, too.
    if (!key.startsWith(prefix) || key.startsWith("x-forwarded")) continue;
    for (const value of metadata.get(key)) result.add(key, value);
  }
  return result;
}

/** How a call ended, and what came before. */
export interface CallResult {
  readonly messages: Buffer[];
  readonly head: Metadata | undefined;
  readonly code: number;
  readonly details: string;
  readonly trailers: Metadata;
}

/** Request metadata and a time limit. */
export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string | Buffer | readonly (string | Buffer)[]>>;
  readonly deadlineMs?: number;
}

/** A client of the container, through a queue-proxy. */
export class EchoClient {
  private readonly client: GrpcClient;

  constructor(port: number, extra: Readonly<Record<string, number>> = {}) {
    this.client = new GrpcClient(`127.0.0.1:${port}`, credentials.createInsecure(), { ...options, ...extra });
  }

  close(): void {
    this.client.close();
  }

  /** One message each way; resolves however the call ends. */
  unary(message: Buffer | string, options: CallOptions = {}): Promise<CallResult> {
    return new Promise((resolve) => {
      let messages: Buffer[] = [];
      const call = this.client.makeUnaryRequest(
        definition.unary.path,
        bytes,
        bytes,
        Buffer.from(message),
        makeMetadata(options),
        makeCallOptions(options),
        (_error: ServiceError | null, answer?: Buffer) => {
          if (answer) messages = [answer];
        },
      );
      watch(call, () => messages, resolve);
    });
  }

  /** Many messages up, their concatenation down. */
  collect(parts: readonly (Buffer | string)[], options: CallOptions = {}): Promise<CallResult> {
    return new Promise((resolve) => {
      let messages: Buffer[] = [];
      const call = this.client.makeClientStreamRequest(
        definition.collect.path,
        bytes,
        bytes,
        makeMetadata(options),
        makeCallOptions(options),
        (_error: ServiceError | null, answer?: Buffer) => {
          if (answer) messages = [answer];
        },
      );
      watch(call, () => messages, resolve);
      for (const part of parts) call.write(Buffer.from(part));
      call.end();
    });
  }

  /** One message up, `count` (metadata) of them down. */
  repeat(message: Buffer | string, options: CallOptions = {}): Promise<CallResult> {
    const messages: Buffer[] = [];
    const call = this.startRepeat(message, options);
    call.on("data", (part: Buffer) => messages.push(part));
    call.on("error", () => {});
    return new Promise((resolve) => watch(call, () => messages, resolve));
  }

  startRepeat(message: Buffer | string, options: CallOptions = {}): ClientReadableStream<Buffer> {
    return this.client.makeServerStreamRequest(
      definition.repeat.path,
      bytes,
      bytes,
      Buffer.from(message),
      makeMetadata(options),
      makeCallOptions(options),
    );
  }

  /** Messages both ways, each answered by its like. */
  chat(options: CallOptions = {}): ClientDuplexStream<Buffer, Buffer> {
    const call = this.client.makeBidiStreamRequest(
      definition.chat.path,
      bytes,
      bytes,
      makeMetadata(options),
      makeCallOptions(options),
    );
    call.on("error", () => {});
    return call;
  }

  /** A method that the container does not have. */
  unknown(): Promise<CallResult> {
    return new Promise((resolve) => {
      const call = this.client.makeUnaryRequest("/test.Echo/None", bytes, bytes, Buffer.alloc(0), () => {});
      watch(call, () => [], resolve);
    });
  }
}

function watch(call: EventEmitter, messages: () => Buffer[], resolve: (result: CallResult) => void): void {
  let head: Metadata | undefined;
  call.on("metadata", (metadata: Metadata) => {
    head = metadata;
  });
  call.on("status", ({ code, details, metadata }: StatusObject) => {
    // A unary call tells its answer in the same turn, after the status.
    setImmediate(() => resolve({ messages: messages(), head, code, details, trailers: metadata }));
  });
}

function makeMetadata({ metadata = {} }: CallOptions): Metadata {
  const result = new Metadata();
  for (const [key, values] of Object.entries(metadata)) {
    for (const value of Array.isArray(values) ? values : [values]) result.add(key, value);
  }
  return result;
}

function makeCallOptions({ deadlineMs }: CallOptions) {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}
