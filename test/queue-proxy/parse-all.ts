import { HeadBuffer } from "../../src/queue-proxy/codec/head-buffer.ts";
import { Http1BodyDecoder } from "../../src/queue-proxy/codec/http1-body.ts";
import { ProtocolError, parseRequestHead } from "../../src/queue-proxy/codec/http1-parser.ts";

/** A request that a parser saw to its end. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

const peer = { secure: false, remoteAddress: "1.1.1.1:1" };

/** The requests that our parser takes from the bytes, until it refuses or they end. Throws only if the parser is broken. */
export function requestsSeenByOurs(text: string): readonly SeenRequest[] {
  const bytes = Buffer.from(text, "latin1");
  const seen: SeenRequest[] = [];
  let offset = 0;
  try {
    while (offset < bytes.length) {
      const head = new HeadBuffer(1 << 20, false);
      const headText = head.feed(bytes, offset);
      if (headText === undefined) return seen;
      const request = parseRequestHead(headText, peer);
      let body = "";
      let ended = false;
      const decoder = new Http1BodyDecoder();
      decoder.begin(request.bodyLength, {
        takeBody: (chunk) => {
          body += Buffer.from(chunk).toString("latin1");
        },
        takeEnd: () => {
          ended = true;
        },
      });
      offset = decoder.feed(bytes, head.next);
      if (!ended) return seen;
      seen.push({ method: request.method, target: request.requestUri, body });
      if (!request.keepAlive) return seen;
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  return seen;
}
