import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  download,
  forgetPeak,
  multiplex,
  residentMb,
  startHttp1Container,
  startHttp2Container,
  upload,
} from "./load.ts";
import { inProcess, runtimes, spawned } from "./subject.ts";

const transferBytes = 200_000_000;
/** Far below what is transferred, well above what a runtime's heap does on its own. */
const transferGrowthMb = 120;

// The whole sizes: `node test/queue-proxy/soak.ts`.
for (const { name, path } of runtimes()) {
  test(`memory of queue-proxy, ${name}: a large body passes through, up and down, and is not kept`, async () => {
    const container = await startHttp1Container();
    const { ports, stop, pid } = await spawned(path)({}, container.port);
    try {
      await download(ports.main, 1_000_000);
      forgetPeak(pid!);
      const before = residentMb(pid!).now;
      await download(ports.main, transferBytes);
      await upload(ports.main, transferBytes);
      const { peak } = residentMb(pid!);
      assert.ok(peak - before < transferGrowthMb, `${before.toFixed()} MB grew to ${peak.toFixed()}`);
    } finally {
      await stop();
      await container.close();
    }
  });
}

describe("what is over leaves nothing behind", () => {
  const streams = 2000;
  const bytesPerStream = 500;

  test("streams of HTTP/2", async () => {
    const container = await startHttp2Container();
    const { ports, stop } = await inProcess()({}, container.port);
    try {
      // Compiles, and fills what is kept for reuse.
      await multiplex(ports.main, streams);
      const before = await usedBytes();
      await multiplex(ports.main, streams);
      await multiplex(ports.main, streams);
      const grown = (await usedBytes()) - before;
      assert.ok(grown < 2 * streams * bytesPerStream, `${grown} bytes more after ${2 * streams} streams`);
    } finally {
      await stop();
      await container.close();
    }
  });
});

/** Bytes of objects that something still refers to. */
async function usedBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let pass = 0; pass < 3; pass++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}
