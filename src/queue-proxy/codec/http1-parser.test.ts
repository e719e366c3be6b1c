import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HeaderList, headerName } from "./headers.ts";
import { Http1BodyDecoder } from "./http1-body.ts";
import { ProtocolError, parseRequestHead, parseResponseHead } from "./http1-parser.ts";
import { requestHead } from "./http1-writer.ts";

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
        assert.deepEqual(parsed.headers.values.slice(0, headers.length), headers.values);
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
        const decoder = new Http1BodyDecoder("unknown", {
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
