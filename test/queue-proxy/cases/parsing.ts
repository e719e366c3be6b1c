import assert from "node:assert/strict";
import type { Case, Suite } from "../case.ts";
import { get } from "../wire.ts";

interface Refusal {
  readonly name: string;
  readonly text: string;
  readonly status: number;
  readonly differs?: string;
}

const lenient = "Go accepts and normalises it; ours refuses what two parsers could read in two ways";
const head = "GET / HTTP/1.1\r\nHost: a\r\n";
const post = "POST / HTTP/1.1\r\nHost: a\r\n";
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;

const refusals: readonly Refusal[] = [
  { name: "an empty line before the request", text: `\r\n${head}\r\n`, status: 400 },
  { name: "no method", text: " / HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a method with a separator in it", text: "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "no target", text: "GET HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a target that is not a path", text: "GET foo HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a space in the target", text: "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a tab in the target", text: "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a bad escape in the path", text: "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a cut-off escape in the path", text: "GET /%a HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "two spaces after the method", text: "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a missing version", text: "GET /\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a version in lower case", text: "GET / http/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a version with two digits", text: "GET / HTTP/1.10\r\nHost: a\r\n\r\n", status: 400 },
  { name: "HTTP/2.0 in a request line", text: "GET / HTTP/2.0\r\nHost: a\r\n\r\n", status: 505 },
  { name: "HTTP/0.9", text: "GET / HTTP/0.9\r\nHost: a\r\n\r\n", status: 505 },
  {
    name: "HTTP/1.2",
    text: "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    status: 505,
    differs: "Go takes every 1.x for 1.1; there is no such version, so nobody knows its framing",
  },
  {
    name: "CONNECT",
    text: "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    status: 405,
    differs:
      "Go passes it on as an ordinary request; its answer would turn the connection into a tunnel for any other party",
  },
  { name: "no Host in HTTP/1.1", text: "GET / HTTP/1.1\r\n\r\n", status: 400 },
  { name: "two Host headers", text: `${head}Host: b\r\n\r\n`, status: 400 },
  { name: "two equal Host headers", text: `${head}Host: a\r\n\r\n`, status: 400 },
  { name: "a space in Host", text: "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", status: 400 },
  { name: "a slash in Host", text: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", status: 400 },
  { name: "a space before the colon", text: `${head}X-A : 1\r\n\r\n`, status: 400 },
  { name: "an empty header name", text: `${head}: 1\r\n\r\n`, status: 400 },
  { name: "a header without a colon", text: `${head}X-A\r\n\r\n`, status: 400 },
  { name: "a header name with a bracket", text: `${head}X[A]: 1\r\n\r\n`, status: 400 },
  { name: "a header name with a byte above 127", text: `${head}X-\xe4: 1\r\n\r\n`, status: 400 },
  { name: "a space before the first header", text: "GET / HTTP/1.1\r\n Host: a\r\n\r\n", status: 400 },
  { name: "a folded header", text: `${head}X-A: 1\r\n 2\r\n\r\n`, status: 400, differs: lenient },
  { name: "a header folded with a tab", text: `${head}X-A: 1\r\n\t2\r\n\r\n`, status: 400, differs: lenient },
  { name: "NUL in a value", text: `${head}X-A: 1\x002\r\n\r\n`, status: 400 },
  { name: "a control character in a value", text: `${head}X-A: 1\x012\r\n\r\n`, status: 400 },
  { name: "DEL in a value", text: `${head}X-A: 1\x7f2\r\n\r\n`, status: 400 },
  { name: "a bare CR in a value", text: `${head}X-A: 1\r2\r\n\r\n`, status: 400 },
  { name: "bare LF after the request line", text: "GET / HTTP/1.1\nHost: a\r\n\r\n", status: 400, differs: lenient },
  { name: "bare LF after a header", text: "GET / HTTP/1.1\r\nHost: a\n\r\n", status: 400, differs: lenient },
  { name: "bare LF all through", text: "GET / HTTP/1.1\nHost: a\n\n", status: 400, differs: lenient },
  { name: "bare LF as the end of the head", text: "GET / HTTP/1.1\r\nHost: a\r\n\n", status: 400, differs: lenient },
  { name: "Content-Length with a sign", text: `${post}Content-Length: +5\r\n\r\nhello`, status: 400 },
  { name: "a negative Content-Length", text: `${post}Content-Length: -1\r\n\r\n`, status: 400 },
  { name: "a hexadecimal Content-Length", text: `${post}Content-Length: 0x5\r\n\r\nhello`, status: 400 },
  { name: "a fractional Content-Length", text: `${post}Content-Length: 5.0\r\n\r\nhello`, status: 400 },
  { name: "Content-Length with a list", text: `${post}Content-Length: 5, 5\r\n\r\nhello`, status: 400 },
  { name: "Content-Length with a space inside", text: `${post}Content-Length: 5 5\r\n\r\nhello`, status: 400 },
  {
    name: "an empty Content-Length",
    text: `${post}Content-Length:\r\n\r\n`,
    status: 400,
  },
  {
    name: "a Content-Length that is far too long",
    text: `${post}Content-Length: 99999999999999999999\r\n\r\n`,
    status: 400,
  },
  {
    name: "two Content-Lengths that differ",
    text: `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
    status: 400,
  },
  {
    name: "Content-Length and Transfer-Encoding",
    text: `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
    differs: "Go drops the length and goes on; a front proxy that believed the length would have been fooled",
  },
  {
    name: "Transfer-Encoding in HTTP/1.0",
    text: "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    status: 400,
    differs: "Go ignores the header; a front proxy may not",
  },
  { name: "an unknown transfer coding", text: `${post}Transfer-Encoding: gzip\r\n\r\n`, status: 501 },
  { name: "chunked and another coding", text: `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, status: 501 },
  { name: "identity as the coding", text: `${post}Transfer-Encoding: identity\r\n\r\n`, status: 501 },
  {
    name: "a vertical tab before chunked",
    text: `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  { name: "quoted chunked", text: `${post}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`, status: 501 },
  {
    name: "chunked twice in two headers",
    text: `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 501,
  },
  {
    name: "Content-Length announced as a trailer",
    text: `${post}Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: "a trailer announced that is no name",
    text: `${post}Trailer: a b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
    differs: "Go notices only when it writes the request: 502",
  },
  { name: "an unknown expectation", text: `${head}Expect: a-pony\r\n\r\n`, status: 417 },
  { name: "a head of more than a mebibyte", text: `${head}X-A: ${"a".repeat(1_060_000)}\r\n\r\n`, status: 431 },
];

const badChunks: readonly { name: string; text: string; differs?: string }[] = [
  { name: "a chunk size that is no number", text: "x\r\n" },
  { name: "an empty chunk size", text: "\r\n" },
  { name: "a chunk size with a prefix", text: "0x1\r\na\r\n0\r\n\r\n" },
  { name: "a chunk size with a sign", text: "+1\r\na\r\n0\r\n\r\n" },
  { name: "a chunk size of nine digits", text: "000000001\r\na\r\n0\r\n\r\n", differs: "Go allows 16 digits" },
  { name: "a space after the chunk size", text: "1 \r\na\r\n0\r\n\r\n", differs: lenient },
  { name: "a bare LF after the chunk size", text: "1\na\r\n0\r\n\r\n" },
  { name: "a bare LF in a chunk extension", text: "1;a\na\r\n0\r\n\r\n" },
  { name: "a chunk longer than it says", text: "1\r\nab\r\n0\r\n\r\n" },
  { name: "a bare LF after the data", text: "1\r\na\n0\r\n\r\n" },
  { name: "a trailer without a colon", text: "1\r\na\r\n0\r\nfoo\r\n\r\n" },
  { name: "a trailer with a space before the colon", text: "1\r\na\r\n0\r\nFoo : 1\r\n\r\n", differs: lenient },
  { name: "chunk extensions of 20 kB", text: `1;${"a".repeat(20_000)}\r\na\r\n0\r\n\r\n` },
  {
    name: "Content-Length as a trailer",
    text: "1\r\na\r\n0\r\nContent-Length: 1\r\n\r\n",
    differs: "Go drops all request trailers; ours passes them on, so it must refuse those that frame",
  },
  {
    name: "Transfer-Encoding as a trailer",
    text: "1\r\na\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    differs: "as for Content-Length",
  },
];

const refused: readonly Case[] = refusals.map(({ name, text, status, differs }) => ({
  name: `${name} is refused with ${status}, and the connection ends`,
  ...(differs !== undefined && { differs }),
  async run({ backend, connect }) {
    const client = connect();
    client.send(text);
    const answer = await client.message();
    assert.equal(Number(answer.startLine.split(" ")[1]), status, answer.startLine);
    assert.equal(answer.headers["connection"], "close");
    await client.closed();
    assert.equal(backend.requests.length, 0, "the container must not see it");
  },
}));

const brokenBodies: readonly Case[] = badChunks.map(({ name, text, differs }) => ({
  name: `${name} never makes a complete request`,
  ...(differs !== undefined && { differs }),
  async run({ backend, connect }) {
    const client = connect();
    client.send(chunked + text);
    client.send(get("/smuggled"));
    const rest = await client.closed();
    assert.doesNotMatch(rest, /^HTTP\/1\.1 2/);
    assert.equal(backend.requests.length, 0, JSON.stringify(backend.requests));
  },
}));

interface Acceptance {
  readonly name: string;
  readonly text: string;
  readonly line?: string;
  readonly host?: string;
  readonly differs?: string;
}

const accepted: readonly Acceptance[] = [
  {
    name: "an absolute target becomes a path, and its authority the Host",
    text: "GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
    line: "GET /x?y HTTP/1.1",
    host: "b:81",
  },
  {
    name: "an absolute target without a path",
    text: "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n",
    line: "GET / HTTP/1.1",
    host: "b",
  },
  { name: "dot segments stay", text: "GET /a/../b/./c HTTP/1.1\r\nHost: a\r\n\r\n", line: "GET /a/../b/./c HTTP/1.1" },
  { name: "two slashes stay", text: "GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n", line: "GET //a//b HTTP/1.1" },
  {
    name: "a query stays raw",
    text: "GET /?a=%zz;b&c={} HTTP/1.1\r\nHost: a\r\n\r\n",
    line: "GET /?a=%zz;b&c={} HTTP/1.1",
  },
  { name: "an escaped slash stays", text: "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", line: "GET /a%2fb HTTP/1.1" },
  { name: "a brace in the path is escaped", text: "GET /a{b HTTP/1.1\r\nHost: a\r\n\r\n", line: "GET /a%7Bb HTTP/1.1" },
  {
    name: "UTF-8 in the path is escaped",
    text: "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
    line: "GET /%C3%A4 HTTP/1.1",
  },
  { name: "an unknown method", text: "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", line: "BREW /pot HTTP/1.1" },
  { name: "an empty Host", text: "GET / HTTP/1.1\r\nHost:\r\n\r\n", line: "GET / HTTP/1.1" },
  { name: "a Host with an IPv6 address", text: "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", host: "[::1]:80" },
  { name: "header names without regard to case", text: "GET / HTTP/1.1\r\nhOsT: a\r\n\r\n", host: "a" },
  { name: "blanks round a value", text: "GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n", host: "a" },
  { name: "HTTP/1.0 without Host", text: "GET / HTTP/1.0\r\n\r\n", line: "GET / HTTP/1.1" },
  {
    name: "equal Content-Lengths",
    text: `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
    line: "POST / HTTP/1.1",
  },
  { name: "chunked in capitals", text: `${post}Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n`, line: "POST / HTTP/1.1" },
  { name: "a chunk extension", text: `${chunked}1;name=value\r\na\r\n0\r\n\r\n`, line: "POST / HTTP/1.1" },
  { name: "a head that comes byte by byte", text: `${head}X-A: 1\r\n\r\n`, line: "GET / HTTP/1.1" },
];

const passed: readonly Case[] = accepted.map(({ name, text, line, host, differs }) => ({
  name: `accepted: ${name}`,
  ...(differs !== undefined && { differs }),
  async run({ backend, connect }) {
    const client = connect();
    if (name.includes("byte by byte")) for (const byte of text) client.send(byte);
    else client.send(text);
    const answer = await client.message();
    assert.match(answer.startLine, / 200 OK$/);
    const request = await backend.request();
    if (line !== undefined) assert.equal(request.startLine, line);
    if (host !== undefined) assert.equal(request.headers["host"], host);
  },
}));

/** What the parser takes and what it refuses. */
export const parsing: Suite = {
  name: "parsing",
  environment: {},
  cases: [
    ...refused,
    ...brokenBodies,
    ...passed,
    {
      name: "OPTIONS * is answered by the proxy itself",
      async run({ backend, exchange }) {
        const answer = await exchange("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
        assert.equal(answer.startLine, "HTTP/1.1 200 OK");
        assert.equal(answer.headers["content-length"], "0");
        assert.equal(backend.requests.length, 0);
      },
    },
    {
      name: "a smuggled request after a complete one is a request of its own",
      async run({ backend, connect }) {
        const client = connect();
        client.send(`${post}Content-Length: 0\r\n\r\n${get("/second")}`);
        await client.message();
        await client.message();
        assert.deepEqual(
          backend.requests.map((request) => request.startLine),
          ["POST / HTTP/1.1", "GET /second HTTP/1.1"],
        );
      },
    },
  ],
};
