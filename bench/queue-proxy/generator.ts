/** The load generator of the bench: each line of its input is a Load, which it answers with a line, a LoadResult. */
import { createInterface } from "node:readline";
import { systemClock } from "../../src/lib/clock.ts";
import { choosePlatform } from "../../src/queue-proxy/adapters/platform.ts";
import { runHttp1 } from "./http1-load.ts";
import { runHttp2 } from "./http2-load.ts";
import type { Load } from "./load.ts";

const { network } = await choosePlatform(systemClock);
for await (const line of createInterface({ input: process.stdin })) {
  const load = JSON.parse(line) as Load;
  const { streams } = load;
  const result = await (streams === undefined ? runHttp1(network, load) : runHttp2(network, load, streams));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
process.exit(0);
