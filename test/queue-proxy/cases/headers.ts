import assert from "node:assert/strict";
import type { Case, Suite } from "../case.ts";
import { get } from "../wire.ts";

/** A header rule towards the container: what is sent, and what must (null: must not) arrive. */
interface Rule {
  readonly name: string;
  readonly sent: string;
  readonly seen: Readonly<Record<string, string | null>>;
  readonly differs?: string;
}

const rules: readonly Rule[] = [
  { name: "the client's address becomes X-Forwarded-For", sent: "", seen: { "x-forwarded-for": "127.0.0.1" } },
  {
    name: "the client's address is added to X-Forwarded-For",
    sent: "X-Forwarded-For: 1.2.3.4\r\n",
    seen: { "x-forwarded-for": "1.2.3.4, 127.0.0.1" },
  },
  {
    name: "several X-Forwarded-For are joined",
    sent: "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n",
    seen: { "x-forwarded-for": "1.2.3.4, 5.6.7.8, 127.0.0.1" },
  },
  {
    name: "Forwarded is made of X-Forwarded-For",
    sent: "X-Forwarded-For: 1.2.3.4, ::1\r\n",
    seen: { forwarded: 'for=1.2.3.4, for="[::1]"' },
  },
  {
    name: "Forwarded carries host and proto",
    sent: "X-Forwarded-For: 1.2.3.4, ::1\r\nX-Forwarded-Host: h.example\r\nX-Forwarded-Proto: https\r\n",
    seen: { forwarded: 'for=1.2.3.4;host=h.example;proto=https, for="[::1]"' },
  },
  { name: "Forwarded of host alone", sent: "X-Forwarded-Host: h.example\r\n", seen: { forwarded: "host=h.example" } },
  { name: "Forwarded of proto alone", sent: "X-Forwarded-Proto: https\r\n", seen: { forwarded: "proto=https" } },
  {
    name: "Forwarded uses the first X-Forwarded-For header",
    sent: "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n",
    seen: { forwarded: "for=1.1.1.1" },
  },
  {
    name: "a Forwarded of the client's stays",
    sent: "Forwarded: for=9.9.9.9\r\nX-Forwarded-For: 1.1.1.1\r\n",
    seen: { forwarded: "for=9.9.9.9" },
  },
  { name: "without X-Forwarded headers there is no Forwarded", sent: "", seen: { forwarded: null } },
  {
    name: "X-Forwarded-By alone makes no Forwarded",
    sent: "X-Forwarded-By: x\r\n",
    seen: { forwarded: null, "x-forwarded-by": "x" },
  },
  {
    name: "revision headers are removed",
    sent: "Knative-Serving-Revision: r\r\nKnative-Serving-Namespace: n\r\n",
    seen: { "knative-serving-revision": null, "knative-serving-namespace": null },
  },
  {
    name: "other Knative headers pass",
    sent: "Knative-Serving-Tag: t\r\nK-Proxy-Request: activator\r\n",
    seen: { "knative-serving-tag": "t", "k-proxy-request": "activator" },
  },
  {
    name: "K-Original-Host becomes the Host",
    sent: "K-Original-Host: real.example\r\n",
    seen: { host: "real.example", "k-original-host": null },
  },
  { name: "Host is passed on", sent: "", seen: { host: "h.example" } },
  { name: "Connection is not passed on", sent: "Connection: keep-alive\r\n", seen: { connection: null } },
  {
    name: "headers named in Connection are removed",
    sent: "Connection: X-Gone, X-Also\r\nX-Gone: 1\r\nX-Also: 2\r\nX-Stays: 3\r\n",
    seen: { "x-gone": null, "x-also": null, "x-stays": "3" },
  },
  { name: "Keep-Alive is removed", sent: "Keep-Alive: timeout=5\r\n", seen: { "keep-alive": null } },
  { name: "Proxy-Connection is removed", sent: "Proxy-Connection: x\r\n", seen: { "proxy-connection": null } },
  { name: "Proxy-Authorization is removed", sent: "Proxy-Authorization: x\r\n", seen: { "proxy-authorization": null } },
  { name: "Proxy-Authenticate is removed", sent: "Proxy-Authenticate: x\r\n", seen: { "proxy-authenticate": null } },
  { name: "Te is removed", sent: "Te: gzip\r\n", seen: { te: null } },
  { name: "Te keeps its token trailers", sent: "Te: gzip, trailers\r\n", seen: { te: "trailers" } },
  { name: "Upgrade without Connection is removed", sent: "Upgrade: websocket\r\n", seen: { upgrade: null } },
  {
    name: "an upgrade is passed on",
    sent: "Connection: upgrade\r\nUpgrade: websocket\r\n",
    seen: { upgrade: "websocket", connection: "Upgrade" },
  },
  { name: "no User-Agent is invented", sent: "", seen: { "user-agent": null } },
  { name: "User-Agent passes", sent: "User-Agent: curl/8\r\n", seen: { "user-agent": "curl/8" } },
  { name: "no Accept-Encoding is added", sent: "", seen: { "accept-encoding": null } },
  { name: "Accept-Encoding passes", sent: "Accept-Encoding: br\r\n", seen: { "accept-encoding": "br" } },
  { name: "an empty value stays", sent: "X-Empty:\r\n", seen: { "x-empty": "" } },
  { name: "values with bytes above 127 pass", sent: "X-Utf8: \xc3\xa4\r\n", seen: { "x-utf8": "\xc3\xa4" } },
  {
    name: "repeated headers stay apart, in order",
    sent: "X-Many: 1\r\nX-Many: 2\r\nx-many: 3\r\n",
    seen: { "x-many": "1\n2\n3" },
  },
  { name: "cookies pass", sent: "Cookie: a=1; b=2\r\n", seen: { cookie: "a=1; b=2" } },
  {
    name: "K-Network-Probe: queue from an ordinary client passes",
    sent: "K-Network-Probe: queue\r\n",
    seen: { "k-network-probe": "queue" },
  },
  { name: "K-Kubelet-Probe alone passes", sent: "K-Kubelet-Probe: queue\r\n", seen: { "k-kubelet-probe": "queue" } },
];

const towardsContainer: readonly Case[] = rules.map(({ name, sent, seen, differs }) => ({
  name,
  ...(differs !== undefined && { differs }),
  async run({ backend, exchange }) {
    await exchange(get("/", sent));
    const request = await backend.request();
    for (const [header, value] of Object.entries(seen)) assert.equal(request.headers[header] ?? null, value, header);
  },
}));

interface AnswerRule {
  readonly name: string;
  readonly answered: string;
  readonly seen: Readonly<Record<string, string | null>>;
}

const answerRules: readonly AnswerRule[] = [
  {
    name: "Connection of the answer is not passed on",
    answered: "Connection: X-Gone\r\nX-Gone: 1\r\n",
    seen: { connection: null, "x-gone": null },
  },
  { name: "Keep-Alive of the answer is removed", answered: "Keep-Alive: timeout=5\r\n", seen: { "keep-alive": null } },
  { name: "Upgrade of a plain answer is removed", answered: "Upgrade: h2\r\n", seen: { upgrade: null } },
  {
    name: "Date of the container stays",
    answered: "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
    seen: { date: "Mon, 01 Jan 2024 00:00:00 GMT" },
  },
  {
    name: "several cookies are set",
    answered: "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n",
    seen: { "set-cookie": "a=1\nb=2" },
  },
  { name: "Server passes, none is invented", answered: "", seen: { server: null } },
  {
    name: "Content-Encoding passes untouched",
    answered: "Content-Encoding: gzip\r\n",
    seen: { "content-encoding": "gzip" },
  },
];

const towardsClient: readonly Case[] = answerRules.map(({ name, answered, seen }) => ({
  name,
  async run({ backend, exchange }) {
    backend.answer = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${answered}Content-Length: 2\r\n\r\nok`, "latin1");
    };
    const answer = await exchange(get());
    for (const [header, value] of Object.entries(seen)) assert.equal(answer.headers[header] ?? null, value, header);
  },
}));

/** Bodies without a type, and the type they get. */
const sniffed: readonly (readonly [body: string, type: string])[] = [
  ["hello", "text/plain; charset=utf-8"],
  ['{"a":1}', "text/plain; charset=utf-8"],
  ["  <!DOCTYPE html><p>", "text/html; charset=utf-8"],
  ["<html>", "text/html; charset=utf-8"],
  ["<?xml version='1.0'?>", "text/xml; charset=utf-8"],
  ["<pre", "text/plain; charset=utf-8"],
  ["%PDF-1.7", "application/pdf"],
  ["GIF89a....", "image/gif"],
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff\xe0", "image/jpeg"],
  ["\x1f\x8b\x08\x00", "application/x-gzip"],
  ["PK\x03\x04", "application/zip"],
  ["\x00asm\x01", "application/wasm"],
  ["RIFF1234WEBPVP8 ", "image/webp"],
  ["\x00\x01\x02", "application/octet-stream"],
  ["caf\xc3\xa9", "text/plain; charset=utf-8"],
];

const typed: readonly Case[] = sniffed.map(([body, type]) => ({
  name: `a body of ${JSON.stringify(body)} without a type gets ${type}`,
  async run({ backend, exchange }) {
    backend.answer = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`, "latin1");
    };
    assert.equal((await exchange(get())).headers["content-type"], type);
  },
}));

/** Header fields in both directions. */
export const headers: Suite = {
  name: "headers",
  environment: {},
  cases: [
    ...towardsContainer,
    ...towardsClient,
    ...typed,
    {
      name: "an empty body, and one with an encoding, get no type",
      async run({ backend, exchange }) {
        for (const answered of ["Content-Length: 0\r\n\r\n", "Content-Encoding: x\r\nContent-Length: 1\r\n\r\na"]) {
          backend.answer = ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${answered}`);
          assert.equal((await exchange(get())).headers["content-type"], undefined);
        }
      },
    },
    {
      name: "header names are written in canonical form",
      async run({ backend, exchange }) {
        await exchange(get("/", "x-CUSTOM-header: 1\r\n"));
        assert.match((await backend.request()).headerText, /^X-Custom-Header: 1$/m);
      },
    },
    {
      name: "a missing Date is added",
      async run({ exchange }) {
        assert.match((await exchange(get())).headers["date"] ?? "", /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
      },
    },
    {
      name: "an upgrade token that is not printable is answered 502",
      async run({ backend, exchange }) {
        const answer = await exchange(get("/", "Connection: upgrade\r\nUpgrade: w\xe4b\r\n"));
        assert.match(answer.startLine, / 502 /);
        assert.equal(backend.requests.length, 0);
      },
    },
    {
      name: "HTTP/1.0 without Host gives the container its own address",
      async run({ backend, exchange }) {
        await exchange("GET / HTTP/1.0\r\n\r\n");
        assert.match((await backend.request()).headers["host"] ?? "", /^127\.0\.0\.1:\d+$/);
      },
    },
    {
      name: "without tracing no trace headers are added",
      async run({ backend, exchange }) {
        await exchange(get());
        assert.doesNotMatch((await backend.request()).headerText, /traceparent|x-b3/i);
      },
    },
  ],
};
