import type { Network } from "../../src/queue-proxy/transport.ts";
import { runOnConnections } from "./connections.ts";
import { LeanHttp2, makeTemplate } from "./lean-http2.ts";
import { type Load, type LoadResult, Tally } from "./load.ts";

/** `GET`, `http`, `/` by their numbers, `:authority bench` as a literal. */
const template = makeTemplate(Buffer.from("\x82\x86\x84\x01\x05bench", "latin1"), "");
/** `:status 200`, which may come after a change of the table's size. */
const indexed200 = 0x88;
const sizeUpdate = 0x20;

/** HTTP/2 load with prior knowledge: each stream that ends is followed by another. */
export function runHttp2(network: Network, load: Load, streams: number): Promise<LoadResult> {
  const tally = new Tally(load.durationMs);
  return runOnConnections(network, load, tally, (connection, finished) =>
    startSession(connection, tally, streams, finished),
  );
}

function startSession(
  connection: ConstructorParameters<typeof LeanHttp2>[0],
  tally: Tally,
  streams: number,
  finished: () => void,
): LeanHttp2 {
  const sentMs = new Map<number, number>();
  let nextStream = 1;
  const send = (nowMs: number) => {
    sentMs.set(nextStream, nowMs);
    session.add(template, nextStream);
    nextStream += 2;
  };
  const session: LeanHttp2 = new LeanHttp2(connection, "client", {
    headers(block) {
      let at = 0;
      while ((block[at]! & 0xe0) === sizeUpdate) at++;
      if (block[at] !== indexed200) tally.failures++;
    },
    ended(stream) {
      const nowMs = performance.now();
      const startedMs = sentMs.get(stream);
      if (startedMs === undefined) {
        tally.failures++;
        return;
      }
      sentMs.delete(stream);
      tally.answered(nowMs - startedMs);
      if (nowMs < tally.endMs) send(nowMs);
      else if (sentMs.size === 0) finished();
    },
    close() {
      if (sentMs.size > 0) tally.failures++;
      finished();
    },
  });
  for (let index = 0; index < streams; index++) send(performance.now());
  session.flush();
  return session;
}
