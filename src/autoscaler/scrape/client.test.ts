import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createScrapeClient } from "./client.ts";
import { emptyStat, encodeStat, mimeType, type Stat } from "./stat.ts";

const stat: Stat = { ...emptyStat, podName: "pod", averageConcurrentRequests: 3, requestCount: 5, processUptime: 12 };

const sent = (body: Uint8Array, type = mimeType): RequestListener => {
  return (_, response) => response.writeHead(200, { "content-type": type }).end(body);
};

interface Row {
  readonly name: string;
  readonly pod: RequestListener;
  /** The load, or what the error says. */
  readonly want: number | RegExp;
  /** Whether it might be a mesh's answer. */
  readonly mightBeMesh?: boolean;
}

const rows: Row[] = [
  { name: "a stat", pod: sent(encodeStat(stat)), want: 3 },
  { name: "an idle pod's empty message", pod: sent(new Uint8Array(0)), want: 0 },
  { name: "garbage", pod: sent(Buffer.alloc(40, 0xff)), want: /no stat/ },
  {
    name: "not a number",
    pod: sent(encodeStat({ ...stat, averageConcurrentRequests: Number.NaN })),
    want: /averageConcurrentRequests = NaN/,
  },
  { name: "less than nothing", pod: sent(encodeStat({ ...stat, requestCount: -5 })), want: /requestCount = -5/ },
  {
    name: "more than any pod bears",
    pod: sent(encodeStat({ ...stat, averageConcurrentRequests: 1e300 })),
    want: /averageConcurrentRequests = 1e\+300/,
  },
  {
    name: "infinitely much",
    pod: sent(encodeStat({ ...stat, averageConcurrentRequests: Number.POSITIVE_INFINITY })),
    want: /averageConcurrentRequests = Infinity/,
  },
  { name: "a page of text", pod: sent(Buffer.from("hello"), "text/html"), want: /unsupported metric type/ },
  {
    name: "a stream without an end",
    pod: (_, response) => void response.write(Buffer.alloc(1000)),
    want: /longer than 336 bytes/,
  },
  { name: "an error of its own", pod: (_, response) => response.writeHead(500).end(), want: /status 500/ },
  {
    name: "a mesh's error",
    pod: (_, response) => response.writeHead(503).end(),
    want: /status 503/,
    mightBeMesh: true,
  },
  {
    name: "a connection that is closed",
    pod: (request) => request.socket.destroy(),
    want: /closed before the answer|ECONNRESET/,
  },
  { name: "nothing, until the one who asks shuts down", pod: () => {}, want: /shutting down/ },
];

for (const { name, pod, want, mightBeMesh } of rows) {
  test(`a pod answers with ${name}`, async (t) => {
    const server = createServer(pod);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const client = createScrapeClient(({ host }) => ({ host, port }));
    t.after(async () => {
      client.close();
      server.close();
      // No connection may be left that would keep it open.
      await once(server, "close");
    });
    if (name.startsWith("nothing")) server.once("request", () => client.close());
    const scraped = client.scrape({ host: "127.0.0.1" });
    if (typeof want === "number") assert.equal((await scraped).averageConcurrentRequests, want);
    else
      await assert.rejects(scraped, (error: Error & { mightBeMesh?: boolean }) => {
        assert.match(error.message, want);
        assert.equal(error.mightBeMesh ?? false, mightBeMesh ?? false);
        return true;
      });
  });
}
