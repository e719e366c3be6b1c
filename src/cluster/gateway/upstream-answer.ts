import type { ClientRequest, IncomingMessage } from "node:http";
import { type ClientHttp2Stream, constants } from "node:http2";
import type { Readable } from "node:stream";
import type { HeaderMap } from "./headers.ts";

/** A pod's answer, whichever protocol it came by. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: HeaderMap;
  /** Undefined where the head was all. */
  readonly body: Readable | undefined;
  /** Known once the body has ended. */
  readonly trailers: () => Record<string, string>;
}

/** Resolves with the answer to an HTTP/1.1 request once its head is there. */
export function fromHttp1(request: ClientRequest): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    request.once("error", reject);
    request.once("close", () => reject(new Error("the connection was closed")));
    request.once("response", (message: IncomingMessage) => {
      request.on("error", (error) => message.destroy(error));
      // A connection that ends before the body does.
      message.once("aborted", () => message.destroy(new Error("the answer was cut off")));
      resolve({
        status: message.statusCode ?? 502,
        headers: message.headers,
        body: message,
        trailers: () => message.trailers as Record<string, string>,
      });
    });
  });
}

/** Resolves with the answer to an HTTP/2 request once its head is there. */
export function fromHttp2(stream: ClientHttp2Stream): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    let trailers: Record<string, string> = {};
    stream.once("error", reject);
    stream.once("close", () => reject(new Error("the stream was closed")));
    stream.once("trailers", (received) => {
      trailers = received as unknown as Record<string, string>;
    });
    stream.once("response", (received, flags) => {
      const { ":status": status, ...headers } = received;
      const isAll = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      if (isAll) stream.resume();
      resolve({
        status: Number(status ?? 502),
        headers: headers as HeaderMap,
        body: isAll ? undefined : stream,
        trailers: () => trailers,
      });
    });
  });
}
