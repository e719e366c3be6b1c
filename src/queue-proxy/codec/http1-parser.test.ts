import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HeaderList, headerName } from "./headers.ts";
import { Http1BodyDecoder } from "./http1-body.ts";
import { ProtocolError, parseRequestHead, parseResponseHead } from "./http1-parser.ts";
import { refusal, requestHead } from "./http1-writer.ts";

const token = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_."), minLength: 1, maxLength: 12 });
const value = fc.string({ unit: fc.constantFrom(..."ab ,;=\"'\t\xe4\xff"), maxLength: 30 });
const pieces = fc.array(
  fc.constantFrom(
    "GET / HTTP/1.1",
    "\r\n",
    "\n",
    "\r",
    "Host: a",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    ":",
    " ",
    "\0",
    "x",
    "\t",
    "HTTP/1.0",
    "\xff",
  ),
  { maxLength: 20 },
);

const peer = { secure: false, remoteAddress: "1.1.1.1:1" };

describe("HTTP/1 parser", () => {
  test("arbitrary heads are either parsed or refused as a protocol error", () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        try {
          parseRequestHead(`${parts.join("")}\r\n\r\n`, peer);
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("what we write to a container parses to the same again, with exactly one framing", () => {
    const length = fc.oneof(fc.nat(1000), fc.constant("unknown" as const));
    fc.assert(
      fc.property(fc.array(fc.tuple(token, value), { maxLength: 8 }), length, (fields, bodyLength) => {
        const headers = new HeaderList();
        for (const [name, text] of fields) {
          const known = headerName(name);
          if (known) headers.add(known, text.trim());
        }
        const text = requestHead({ method: "PUT", target: "/x?y", host: "h", headers, bodyLength, upgrade: undefined });
        const parsed = parseRequestHead(text, peer);
        assert.equal(parsed.bodyLength, bodyLength);
        assert.equal(parsed.target, "/x?y");
        assert.deepEqual(parsed.headers.values, headers.values);
        const framings = text.match(/^(?:content-length|transfer-encoding):/gim) ?? [];
        assert.equal(framings.length, 1);
      }),
      { numRuns: 500 },
    );
  });

  test("a chunked body decodes alike however it is cut into pieces", () => {
    const encoded = "5;a=b\r\nhello\r\n1\r\n \r\nb\r\nwonderfully\r\n0\r\nX-T: v\r\n\r\nNEXT";
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 30 }), (cuts) => {
        let body = "";
        let trailers = "";
        const decoder = new Http1BodyDecoder();
        decoder.begin("unknown", {
          takeBody: (chunk) => {
            body += Buffer.from(chunk).toString("latin1");
          },
          takeEnd: (found) => {
            trailers = found?.values.join() ?? "";
          },
        });
        let used = 0;
        for (let at = 0, turn = 0; at < encoded.length && !decoder.ended; turn++) {
          const piece = Buffer.from(encoded.slice(at, at + cuts[turn % cuts.length]!));
          used = at + decoder.feed(piece, 0);
          at += piece.length;
        }
        assert.equal(body, "hello wonderfully");
        assert.equal(trailers, "v");
        assert.equal(encoded.slice(used), "NEXT");
      }),
    );
  });

  const requests = [
    ["HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 kept"],
    ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 closed"],
    ["HTTP/1.0 that is to be kept", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.0 kept"],
    ["blanks around a value", "GET / HTTP/1.1\r\nHost:\t a \t\r\n\r\n", "HTTP/1.1 kept"],
    ["an empty value", "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n", "HTTP/1.1 kept"],
    ["no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["an empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["a method alone", "GET\r\nHost: a b\r\n\r\n", 400],
    ["a later version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505],
    ["no version", "GET / x\r\nHost: a\r\n\r\n", 400],
  ] as const;
  for (const [name, text, expected] of requests) {
    test(`request: ${name}`, () => {
      if (typeof expected === "number") {
        assert.throws(() => parseRequestHead(text, peer), { status: expected });
      } else {
        const { protocol, keepAlive } = parseRequestHead(text, peer);
        assert.equal(`${protocol} ${keepAlive ? "kept" : "closed"}`, expected);
      }
    });
  }

  /** What a chunked body says, or the status with which it is refused. */
  const decoded = (text: string): string | number => {
    let body = "";
    const takeBody = (chunk: Buffer) => {
      body += chunk.toString("latin1");
    };
    const decoder = new Http1BodyDecoder();
    decoder.begin("unknown", { takeBody, takeEnd: () => {} });
    try {
      decoder.feed(Buffer.from(text, "latin1"), 0);
    } catch (error) {
      if (error instanceof ProtocolError) return error.status;
      throw error;
    }
    return decoder.ended ? body : "more";
  };
  const mostTrailers = 64 * 1024;
  const trailersOf = (length: number) => `X: ${"v".repeat(length - "X: \r\n\r\n".length)}\r\n\r\n`;
  for (const [name, text, expected] of [
    ["of 9 bytes", "9\r\n123456789\r\n0\r\n\r\n", "123456789"],
    ["of 0xa bytes", "a\r\n1234567890\r\n0\r\n\r\n", "1234567890"],
    ["of 0xF bytes", "F\r\n123456789012345\r\n0\r\n\r\n", "123456789012345"],
    ["of 0x0010 bytes", "0010\r\n1234567890123456\r\n0\r\n\r\n", "1234567890123456"],
    ["with as much of trailers as may be", `0\r\n${trailersOf(mostTrailers)}`, ""],
    ["with more of trailers than may be", `0\r\n${trailersOf(mostTrailers + 1)}`, 431],
    ["whose size has a digit too many", "000000001\r\n1\r\n0\r\n\r\n", 400],
    ["without a size", "\r\n", 400],
    ["with a sign", "-1\r\n", 400],
    ["with a character before 0", "/\r\n", 400],
    ["with a character after 9", ":\r\n", 400],
    ["with a character before A", "@\r\n", 400],
    ["with a character after f", "g\r\n", 400],
    ["with a blank in the size", "1 \r\n1\r\n", 400],
    ["that is longer than it says", "1\r\n12\r\n", 400],
    ["whose line ends with a line feed alone", "1\n1\n", 400],
    ["whose trailers end with line feeds alone", "0\r\nX: v\n\n", 400],
  ] as const) {
    test(`chunk ${name}: ${typeof expected === "number" ? expected : "taken"}`, () => {
      assert.equal(decoded(text), expected);
    });
  }

  test("only a bad request is told what is bad about it, as Go does", () => {
    assert.match(refusal(400, "why"), /^HTTP\/1.1 400 Bad Request\r\n.*\r\n\r\n400 Bad Request: why$/s);
    assert.match(refusal(431, "why"), /^HTTP\/1.1 431 .*\r\n\r\n431 Request Header Fields Too Large$/s);
  });

  const responses = [
    ["204 has no body", "HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n", "GET", 0],
    ["HEAD keeps the length", "HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n", "HEAD", 5],
    [
      "chunked wins over a length",
      "HTTP/1.1 200 X\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET",
      "unknown",
    ],
    ["neither means until the end", "HTTP/1.1 200 X\r\n\r\n", "GET", "close"],
    ["neither, and to HEAD there is no body", "HTTP/1.1 200 X\r\n\r\n", "HEAD", "unknown"],
    ["no reason phrase", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", "GET", 1],
  ] as const;
  for (const [name, text, method, expected] of responses) {
    test(`response: ${name}`, () => {
      const { bodyLength, closeDelimited } = parseResponseHead(text, method);
      assert.equal(closeDelimited ? "close" : bodyLength, expected);
    });
  }
});
