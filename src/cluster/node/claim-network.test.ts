import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { clusterPorts, findFreePort } from "../free-port.ts";
import { locateOnSharedLoopback } from "../shared-loopback.ts";
import { claimNetwork } from "./claim-network.ts";

describe("the network of a cluster", { skip: process.platform !== "linux" && "has 127.0.0.1 only" }, () => {
  const servers: Server[] = [];
  let work: string;
  const serverOf = (): Server => {
    const server = createServer();
    servers.push(server);
    return server;
  };
  const close = (server: Server) => new Promise((resolve) => server.close(resolve));
  const freePort = () => findFreePort(clusterPorts);
  before(() => {
    work = mkdtempSync(join(tmpdir(), "hakn-network-"));
  });
  after(async () => {
    await Promise.all(servers.map(close));
    rmSync(work, { recursive: true });
  });

  it("is nobody else's, and the same at the next start", async () => {
    const ports = [await freePort()];
    const first = serverOf();
    const one = await claimNetwork(first, work, "own", ports);
    const two = await claimNetwork(serverOf(), work, "own", ports);
    assert.match(one.prefix ?? "", /^127\.\d+$/);
    assert.notEqual(two.prefix, one.prefix);
    await close(first);
    const again = await claimNetwork(serverOf(), work, "own", ports);
    assert.ok([one.prefix, two.prefix].includes(again.prefix));
  });

  it("is found by another port where somebody has the usual one on every address", async () => {
    const taken = serverOf();
    await new Promise<void>((resolve) => taken.listen(0, "0.0.0.0", resolve));
    const other = await freePort();
    const network = await claimNetwork(serverOf(), work, "own", [(taken.address() as AddressInfo).port, other]);
    assert.equal(network.port, other);
    assert.ok(network.prefix);
  });

  it("is one of a few where all share 127.0.0.1; each has a port for the agent", async () => {
    const claims = [serverOf(), serverOf()];
    const networks = await Promise.all(claims.map((server) => claimNetwork(server, work, "shared")));
    assert.notEqual(networks[0]!.prefix, networks[1]!.prefix);
    for (const [index, { address, port }] of networks.entries()) {
      assert.deepEqual(locateOnSharedLoopback({ host: address, port }), {
        host: "127.0.0.1",
        port: (claims[index]!.address() as AddressInfo).port,
      });
    }
  });
});
