/** An HTTP answer with a short body. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  /** Whether the connection may carry another request. */
  readonly keepAlive: boolean;
}

/** Bytes that are no HTTP answer, or more of them than expected. */
export class AnswerError extends Error {}

/** Reads one answer after the other from the bytes of a connection. */
export interface AnswerReader {
  /** The answer, once its last byte is there. Throws AnswerError. */
  take(bytes: Buffer): Answer | undefined;
  /** The answer that the end of the connection completes, if it does. */
  end(): Answer | undefined;
  /** Whether part of an answer is there. */
  hasBegun(): boolean;
}

const longestHead = 16_384;
const headEnd = Buffer.from("\r\n\r\n");

interface Head {
  readonly status: number;
  readonly contentType: string;
  readonly keepAlive: boolean;
  readonly bodyAt: number;
  /** The body's length; undefined when it comes in chunks or ends with the connection. */
  readonly length: number | undefined;
  readonly chunked: boolean;
}

/** Creates a reader of answers with bodies of up to `longestBody` bytes. */
export function createAnswerReader(longestBody: number): AnswerReader {
  let received: Buffer | undefined;
  let head: Head | undefined;

  const finish = (body: Buffer, keepAlive: boolean): Answer => {
    const { status, contentType } = head!;
    received = undefined;
    head = undefined;
    return { status, contentType, body, keepAlive };
  };

  const answerOf = (bytes: Buffer): Answer | undefined => {
    head ??= readHead(bytes);
    if (head && head.status < 200) {
      received = bytes.subarray(head.bodyAt);
      head = undefined;
      return received.length > 0 ? answerOf(received) : undefined;
    }
    if (!head) {
      if (bytes.length > longestHead) throw new AnswerError(`the answer's head is longer than ${longestHead} bytes`);
      return undefined;
    }
    const { bodyAt, length, chunked, keepAlive } = head;
    const there = bytes.length - bodyAt;
    if ((length ?? 0) > longestBody || there > (chunked ? 2 * longestBody + 64 : longestBody)) {
      throw new AnswerError(`the answer is longer than ${longestBody} bytes`);
    }
    if (chunked) {
      const body = readChunks(bytes.subarray(bodyAt));
      return body && finish(body, keepAlive);
    }
    if (length === undefined || there < length) return undefined;
    // More than was announced: whatever it is, this connection is not used again.
    return finish(bytes.subarray(bodyAt, bodyAt + length), keepAlive && there === length);
  };

  return {
    take(bytes) {
      received = received ? Buffer.concat([received, bytes]) : bytes;
      return answerOf(received);
    },
    end() {
      if (!head || !received || head.length !== undefined || head.chunked) return undefined;
      return finish(received.subarray(head.bodyAt), false);
    },
    hasBegun: () => received !== undefined,
  };
}

function readHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const [statusLine = "", ...fields] = bytes.toString("latin1", 0, end).split("\r\n");
  const match = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(statusLine);
  if (!match) throw new AnswerError(`not an HTTP answer: ${JSON.stringify(statusLine.slice(0, 60))}`);
  const headers = new Map(
    fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const status = Number(match[2]);
  const chunked = /(^|,)\s*chunked$/i.test(headers.get("transfer-encoding") ?? "");
  const told = headers.get("content-length");
  if (told !== undefined && !/^\d{1,9}$/.test(told)) throw new AnswerError(`content-length is ${JSON.stringify(told)}`);
  const hasNoBody = status === 204 || status === 304;
  const connection = (headers.get("connection") ?? "").toLowerCase();
  return {
    status,
    contentType: headers.get("content-type") ?? "",
    keepAlive: match[1] === "1" ? connection !== "close" : connection === "keep-alive",
    bodyAt: end + headEnd.length,
    length: hasNoBody ? 0 : chunked || told === undefined ? undefined : Number(told),
    chunked: chunked && !hasNoBody,
  };
}

/** The body, once the last chunk and the end of the trailers are there. */
function readChunks(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const text = bytes.toString("latin1", at, lineEnd).split(";")[0]!.trim();
    if (!/^[\da-f]{1,7}$/i.test(text))
      throw new AnswerError(`a chunk's length is ${JSON.stringify(text.slice(0, 20))}`);
    const length = Number.parseInt(text, 16);
    const from = lineEnd + 2;
    if (length === 0) {
      const isOver = bytes.toString("latin1", from, from + 2) === "\r\n" || bytes.indexOf(headEnd, from) >= 0;
      return isOver ? Buffer.concat(parts) : undefined;
    }
    if (bytes.length < from + length + 2) return undefined;
    parts.push(bytes.subarray(from, from + length));
    at = from + length + 2;
  }
}
