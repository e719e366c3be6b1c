import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { silentLogger } from "../lib/log.ts";
import { createPeerWatcher, startPeerServer } from "./peers.ts";

const watcher = createPeerWatcher(systemClock, silentLogger);

/** A peer in a process of its own; resolves once it listens. */
async function spawnPeer(t: TestContext, identity: string): Promise<{ child: ChildProcess; port: number }> {
  const program = `import { startPeerServer } from ${JSON.stringify(import.meta.resolve("./peers.ts"))};
    const server = await startPeerServer(${JSON.stringify(identity)}, { host: "127.0.0.1", port: 0 });
    console.log(server.port);`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [text] = (await child.stdout.take(1).toArray()) as [Buffer];
  return { child, port: Number(text.toString()) };
}

/** Watches a peer; `linked` resolves once a connection stands. */
function watch(t: TestContext, identity: string, port: number) {
  let isGone = false;
  const gone = Promise.withResolvers<void>();
  const stop = watcher.watch({ identity, address: `127.0.0.1:${port}` }, () => {
    isGone = true;
    gone.resolve();
  });
  t.after(stop);
  return { gone: gone.promise, isGone: () => isGone };
}

/** A proxy in front of a peer that tells when the peer's identity has passed, and can cut what stands. */
async function proxyTo(t: TestContext, port: number) {
  const passed = Promise.withResolvers<void>();
  const sockets = new Set<net.Socket>();
  let again = Promise.withResolvers<void>();
  const server = net.createServer((socket) => {
    const upstream = net.connect({ host: "127.0.0.1", port });
    sockets.add(socket);
    for (const one of [socket, upstream]) one.on("error", () => {});
    upstream.on("data", (data) =>
      socket.write(data, () => {
        passed.resolve();
        again.resolve();
      }),
    );
    upstream.on("close", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  t.after(close);
  return {
    port: (server.address() as net.AddressInfo).port,
    passed: passed.promise,
    /** Cuts the connections; resolves once another one has been established. */
    async cut() {
      again = Promise.withResolvers();
      for (const socket of sockets) socket.destroy();
      await again.promise;
    },
  };
}

test("a peer whose process is killed is gone at once", async (t) => {
  const { child, port } = await spawnPeer(t, "p-0_a");
  const { gone, isGone } = watch(t, "p-0_a", port);
  const probe = net.connect({ host: "127.0.0.1", port });
  await new Promise((resolve) => probe.once("data", resolve));
  probe.destroy();
  // The watcher connected before the probe did, but may not have read yet: one more round trip.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isGone(), false);
  child.kill("SIGKILL");
  await gone;
});

test("a frozen peer is not gone", async (t) => {
  const { child, port } = await spawnPeer(t, "p-0_a");
  const proxy = await proxyTo(t, port);
  const { isGone } = watch(t, "p-0_a", proxy.port);
  await proxy.passed;
  child.kill("SIGSTOP");
  const link = net.connect({ host: "127.0.0.1", port });
  await new Promise((resolve) => link.once("connect", resolve));
  link.destroy();
  assert.equal(isGone(), false);
});

test("a broken link to a peer that still answers proves nothing", async (t) => {
  const server = await startPeerServer("p-0_a", { host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  const proxy = await proxyTo(t, server.port);
  const { isGone } = watch(t, "p-0_a", proxy.port);
  await proxy.passed;
  await proxy.cut();
  assert.equal(isGone(), false);
});

test("a peer in whose place another process answers is gone", async (t) => {
  const first = await startPeerServer("p-0_a", { host: "127.0.0.1", port: 0 });
  const proxy = await proxyTo(t, first.port);
  const { gone } = watch(t, "p-0_a", proxy.port);
  await proxy.passed;
  await first.close();
  const second = await startPeerServer("p-0_b", { host: "127.0.0.1", port: first.port });
  t.after(() => second.close());
  await gone;
});

test("a peer that was never reached is not called gone", async (t) => {
  const server = await startPeerServer("p-0_a", { host: "127.0.0.1", port: 0 });
  await server.close();
  const { isGone } = watch(t, "p-0_a", server.port);
  await new Promise<void>((resolve) => {
    net.connect({ host: "127.0.0.1", port: server.port }).on("error", () => resolve());
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isGone(), false);
});

test("a port that is taken is an error", async (t) => {
  const server = await startPeerServer("a", { host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  await assert.rejects(startPeerServer("b", { host: "127.0.0.1", port: server.port }), { code: "EADDRINUSE" });
});
