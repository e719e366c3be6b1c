import assert from "node:assert/strict";
import { describe, test } from "node:test";
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
import { runtimes, type Subject, spawned } from "./subject.ts";

const transferBytes = 96_000_000;
const streams = 2000;

/** Peaks of MB above what the process had before: far below what is transferred, well above what a runtime's heap does. */
const transferGrowthMb = 64;
const streamGrowthMb = 24;

// The whole sizes: `node test/queue-proxy/soak.ts`.
for (const { name, path } of runtimes()) {
  const open = async (container: LoadContainer, run: (subject: Subject, pid: number) => Promise<void>) => {
    const subject = await spawned(path)({}, container.port);
    try {
      await run(subject, subject.pid!);
    } finally {
      await subject.stop();
      await container.close();
    }
  };

  describe(`memory of queue-proxy, ${name}`, { concurrency: 1 }, () => {
    test("a large body passes through, up and down, and is not kept", async () => {
      await open(await startHttp1Container(), async ({ ports }, pid) => {
        await download(ports.main, 1_000_000);
        forgetPeak(pid);
        const before = residentMb(pid).now;
        await download(ports.main, transferBytes);
        await upload(ports.main, transferBytes);
        const { peak } = residentMb(pid);
        assert.ok(peak - before < transferGrowthMb, `${before.toFixed()} MB grew to ${peak.toFixed()}`);
      });
    });

    test("streams that are over leave nothing behind", async () => {
      await open(await startHttp2Container(), async ({ ports }, pid) => {
        for (let warmUp = 0; warmUp < 2; warmUp++) await multiplex(ports.main, streams);
        const before = residentMb(pid).now;
        for (let round = 0; round < 3; round++) await multiplex(ports.main, streams);
        const { now } = residentMb(pid);
        assert.ok(now - before < streamGrowthMb, `${before.toFixed()} MB grew to ${now.toFixed()}`);
      });
    });
  });
}
