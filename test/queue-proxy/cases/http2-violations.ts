import type { Scene, Suite } from "../case.ts";
import { four, frame, frames, getHeaders, opened, postHeaders, preface, settings } from "../http2-wire.ts";

/** Something that RFC 9113 or RFC 7541 forbids, by section, and the error codes that it allows as the answer. */
interface Violation {
  readonly section: string;
  readonly name: string;
  /** After the preface and SETTINGS. */
  readonly sent: string;
  readonly goaway?: readonly number[];
  readonly reset?: readonly number[];
  readonly differs?: string;
}

const protocol = 1;
const flowControl = 3;
const streamClosed = 5;
const frameSize = 6;
const refused = 7;
const compression = 9;
const calm = 11;

/** A whole request; the container does not answer. */
const asked = frame(1, 5, 1, getHeaders);

const violations: readonly Violation[] = [
  {
    section: "4.2",
    name: "DATA larger than announced",
    sent: `${opened}\x10\x00\x01\x00\x00\x00\x00\x00\x01`,
    goaway: [frameSize],
  },
  {
    section: "5.1",
    name: "DATA after the end of the stream",
    sent: asked + frame(0, 1, 1, "x"),
    reset: [streamClosed],
    goaway: [streamClosed],
  },
  {
    section: "5.1",
    name: "HEADERS after the end of the stream",
    sent: asked + frame(1, 5, 1, getHeaders),
    reset: [streamClosed],
    goaway: [streamClosed, protocol],
  },
  {
    section: "5.1",
    name: "CONTINUATION after the end of the stream",
    sent: asked + frame(9, 4, 1, getHeaders),
    goaway: [protocol, streamClosed],
  },
  {
    section: "5.1.2",
    name: "more streams than allowed",
    sent: Array.from({ length: 260 }, (_, n) => frame(1, 5, 2 * n + 1, getHeaders)).join(""),
    reset: [refused],
    goaway: [protocol, refused],
  },
  {
    section: "5.3.1",
    name: "PRIORITY of a stream that depends on itself",
    sent: frame(2, 0, 1, `${four(1)}\x10`),
    reset: [protocol],
    goaway: [protocol],
  },
  {
    section: "5.5",
    name: "an unknown frame within a header block",
    sent: frame(1, 1, 1, getHeaders) + frame(0x42, 0, 0, "x"),
    goaway: [protocol],
  },
  {
    section: "6.1",
    name: "DATA with more padding than there is room for",
    sent: opened + frame(0, 8, 1, "\x05abc"),
    goaway: [protocol],
  },
  {
    section: "6.1",
    name: "DATA with padding and nothing at all",
    differs: "Go cuts the connection without a word",
    sent: opened + frame(0, 8, 1, ""),
    goaway: [protocol, frameSize],
  },
  { section: "6.3", name: "PRIORITY on stream 0", sent: frame(2, 0, 0, `${four(3)}\x10`), goaway: [protocol] },
  {
    section: "6.3",
    name: "PRIORITY of a broken length",
    sent: opened + frame(2, 0, 1, four(3)),
    reset: [frameSize],
    goaway: [frameSize],
  },
  { section: "6.4", name: "RST_STREAM on stream 0", sent: frame(3, 0, 0, four(8)), goaway: [protocol] },
  { section: "6.4", name: "RST_STREAM of a broken length", sent: opened + frame(3, 0, 1, "123"), goaway: [frameSize] },
  {
    section: "6.5.2",
    name: "a frame size above 2^24 - 1",
    sent: frame(4, 0, 0, `\x00\x05${four(0x1000000)}`),
    goaway: [protocol],
  },
  { section: "6.8", name: "GOAWAY on a stream", sent: frame(7, 0, 1, four(0) + four(0)), goaway: [protocol] },
  { section: "6.8", name: "a short GOAWAY", sent: frame(7, 0, 0, four(0)), goaway: [frameSize] },
  {
    section: "6.9",
    name: "WINDOW_UPDATE of zero on a stream",
    sent: opened + frame(8, 0, 1, four(0)),
    reset: [protocol],
    goaway: [protocol],
  },
  { section: "6.9", name: "WINDOW_UPDATE of a broken length", sent: frame(8, 0, 0, "123"), goaway: [frameSize] },
  {
    section: "6.9.1",
    name: "a stream's window that overflows",
    sent: opened + frame(8, 0, 1, four(0x7fffffff)),
    reset: [flowControl],
    goaway: [flowControl],
  },
  {
    section: "6.9.1",
    name: "more DATA than the windows allow",
    sent: opened + frame(0, 0, 1, "x".repeat(16_384)).repeat(70),
    reset: [flowControl],
    goaway: [flowControl],
  },
  {
    section: "6.9.2",
    name: "initial windows that make a stream's overflow",
    sent: opened + frame(8, 0, 1, four(0x7fff0000)) + frame(4, 0, 0, `\x00\x04${four(0x7fffffff)}`),
    goaway: [flowControl],
  },
  {
    section: "6.10",
    name: "CONTINUATION on stream 0",
    sent: frame(1, 1, 1, getHeaders) + frame(9, 4, 0, ""),
    goaway: [protocol],
  },
  {
    section: "6.10",
    name: "CONTINUATION after the end of the headers",
    sent: opened + frame(9, 4, 1, getHeaders),
    goaway: [protocol],
  },
  {
    section: "6.10",
    name: "CONTINUATION after DATA",
    sent: opened + frame(0, 0, 1, "x") + frame(9, 4, 1, getHeaders),
    goaway: [protocol],
  },
  {
    section: "8.1",
    name: "trailers without the end of the stream",
    sent: opened + frame(1, 4, 1, "\x00\x01x\x01y"),
    reset: [protocol],
    goaway: [protocol],
  },
  {
    section: "8.1",
    name: "a pseudo-header among trailers",
    sent: opened + frame(1, 5, 1, "\x82"),
    reset: [protocol],
    goaway: [protocol],
  },
  { section: "8.3.1", name: "an empty :path", sent: frame(1, 5, 1, "\x82\x86\x04\x00\x41\x01a"), reset: [protocol] },
  { section: "8.3.1", name: "a request without :scheme", sent: frame(1, 5, 1, "\x82\x84\x41\x01a"), reset: [protocol] },
  { section: "8.3.1", name: "two :method", sent: frame(1, 5, 1, `\x82${getHeaders}`), reset: [protocol] },
  { section: "8.3.1", name: "two :scheme", sent: frame(1, 5, 1, `\x86${getHeaders}`), reset: [protocol] },
  {
    section: "8.2.1",
    name: "a header name with a colon inside",
    sent: frame(1, 5, 1, `${getHeaders}\x00\x03a:b\x01y`),
    reset: [protocol],
  },
  {
    section: "8.2.1",
    name: "an empty header name",
    sent: frame(1, 5, 1, `${getHeaders}\x00\x00\x01y`),
    reset: [protocol],
  },
  {
    section: "8.2.2",
    name: "transfer-encoding",
    differs: "Go answers 400 within the stream; a stream error is what RFC 9113 8.1.1 asks for",
    sent: frame(1, 4, 1, `${postHeaders}\x00\x11transfer-encoding\x07chunked`),
    reset: [protocol],
  },
  {
    section: "8.1.1",
    name: "a content-length that is no number",
    differs: "Go leaves it to the container to notice",
    sent: frame(1, 4, 1, `${postHeaders}\x0f\x0d\x01x`),
    reset: [protocol],
  },
  {
    section: "8.1.1",
    name: "two content-lengths that differ",
    differs: "Go leaves it to the container to notice",
    sent: frame(1, 4, 1, `${postHeaders}\x0f\x0d\x011\x0f\x0d\x012`),
    reset: [protocol],
  },
  {
    section: "10.5",
    name: "a flood of resets",
    differs: "Go does not count them",
    sent: opened + frame(3, 0, 1, four(8)).repeat(2500),
    goaway: [calm],
  },
  {
    section: "10.5",
    name: "a flood of streams beyond those allowed",
    differs: "Go ends the connection at the first",
    sent: Array.from({ length: 2750 }, (_, n) => frame(1, 5, 2 * n + 1, getHeaders)).join(""),
    goaway: [calm],
  },
  { section: "HPACK 2.3.3", name: "index zero", sent: frame(1, 5, 1, "\x80"), goaway: [compression] },
  {
    section: "HPACK 4.2",
    name: "a table size above the limit",
    sent: frame(1, 5, 1, `\x3f\xe2\x1f${getHeaders}`),
    goaway: [compression],
  },
  {
    section: "HPACK 4.2",
    name: "a table size after a header",
    sent: frame(1, 5, 1, `${getHeaders}\x20`),
    goaway: [compression],
  },
  {
    section: "HPACK 5.1",
    name: "an integer without end",
    sent: frame(1, 5, 1, `\xff${"\xff".repeat(20)}`),
    goaway: [compression],
  },
  {
    section: "HPACK 5.2",
    name: "a string longer than its block",
    sent: frame(1, 5, 1, "\x82\x86\x84\x41\x05a"),
    goaway: [compression],
  },
  {
    section: "HPACK 5.2",
    name: "Huffman padding of eight bits",
    sent: frame(1, 5, 1, "\x82\x86\x84\x41\x82\x1f\xff"),
    goaway: [compression],
  },
  {
    section: "HPACK 5.2",
    name: "Huffman padding of zeros",
    sent: frame(1, 5, 1, "\x82\x86\x84\x41\x81\x18"),
    goaway: [compression],
  },
  {
    section: "HPACK 5.2",
    name: "the Huffman code of EOS",
    sent: frame(1, 5, 1, "\x82\x86\x84\x41\x84\xff\xff\xff\xff"),
    goaway: [compression],
  },
];

/** What RFC 9113 and RFC 7541 forbid, by section. */
export const http2Violations: Suite = {
  name: "http2 violations by section",
  environment: {},
  cases: [
    {
      name: "3.4: what is not the preface ends the connection",
      async run({ connect }) {
        const client = connect();
        client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
        await client.closed();
      },
    },
    ...violations.map(({ section, name, sent, goaway, reset, differs }) => ({
      name: `${section}: ${name} is an error`,
      ...(differs !== undefined && { differs }),
      async run({ backend, connect }: Scene) {
        backend.answer = () => {};
        const client = connect();
        client.send(preface + settings + sent);
        await client.wait(() =>
          frames(client.received).find(({ type, payload }) => {
            if (type === 7) return goaway?.includes(payload.charCodeAt(7));
            return type === 3 && reset?.includes(payload.charCodeAt(3));
          }),
        );
      },
    })),
  ],
};
