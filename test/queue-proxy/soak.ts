import { parseArgs } from "node:util";
import {
  download,
  forgetPeak,
  type LoadContainer,
  multiplex,
  residentMb,
  startHttp1Container,
  startHttp2Container,
  upload,
} from "./load.ts";
import { program, type Subject } from "./subject.ts";

/**
 * Long transfers and many streams through a program, and the memory that it took:
 * `node test/queue-proxy/soak.ts [--megabytes 1000] [--streams 20000] [--rounds 3] [--limit MB] -- command...`.
 * Exit status 1: a body or a stream was not as sent, or the peak was above the limit.
 */
const { values, positionals } = parseArgs({
  options: {
    megabytes: { type: "string", default: "1000" },
    streams: { type: "string", default: "20000" },
    rounds: { type: "string", default: "3" },
    limit: { type: "string", default: "Infinity" },
  },
  allowPositionals: true,
});
const bytes = Number(values.megabytes) * 1_000_000;
const streams = Number(values.streams);
let highest = 0;

await under(startHttp1Container, "transfer", async (measured, port) => {
  await measured(`${values.megabytes} MB down`, () => download(port, bytes));
  await measured(`${values.megabytes} MB up`, () => upload(port, bytes));
});
await under(startHttp2Container, "streams", async (measured, port) => {
  for (let round = 1; round <= Number(values.rounds); round++) {
    await measured(`${streams} streams, round ${round}`, () => multiplex(port, streams));
  }
});
process.exit(highest > Number(values.limit) ? 1 : 0);

type Measured = (what: string, run: () => Promise<void>) => Promise<void>;

async function under(
  startContainer: () => Promise<LoadContainer>,
  name: string,
  run: (measured: Measured, port: number) => Promise<void>,
): Promise<void> {
  const container = await startContainer();
  const subject: Subject = await program(positionals)({}, container.port);
  const pid = subject.pid!;
  console.log(`${name}: ${residentMb(pid).now.toFixed(1)} MB at the start`);
  await run(async (what, work) => {
    forgetPeak(pid);
    const startedMs = performance.now();
    await work();
    const { now, peak } = residentMb(pid);
    highest = Math.max(highest, peak);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${what}: ${seconds} s, peak ${peak.toFixed(1)} MB, then ${now.toFixed(1)} MB`);
  }, subject.ports.main);
  await subject.stop();
  await container.close();
}
