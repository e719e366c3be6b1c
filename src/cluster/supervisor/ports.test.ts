import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { clusterPorts, findFreePort } from "../free-port.ts";
import { choosePorts, PortTakenError } from "./ports.ts";

const anyPort = { httpPort: 0, httpsPort: undefined };
const { first, count } = clusterPorts;

const among = (port: number) => port >= first && port < first + count;

test("the first ports are different ones, of those that no connection takes by chance", async () => {
  const before = { pid: 1, gatewayPort: 1, apiPort: 1, registryPort: 1 };
  const told = { httpPort: 0, httpsPort: await findFreePort(clusterPorts) };
  const { httpPort, apiPort, registryPort } = await choosePorts(told, undefined);
  assert.equal(new Set([told.httpsPort, httpPort, apiPort, registryPort]).size, 4);
  assert.ok(among(httpPort) && among(apiPort));
  assert.ok(registryPort === 5050 || among(registryPort));
  const again = await choosePorts(told, { ...before, apiPort: told.httpsPort });
  assert.notEqual(again.apiPort, told.httpsPort);
});

test("a cluster keeps the ports that it had, but for those that somebody has taken", async (t) => {
  const { httpPort, apiPort, registryPort } = await choosePorts(anyPort, undefined);
  const before = { pid: 1, gatewayPort: httpPort, apiPort, registryPort };
  assert.deepEqual(await choosePorts(anyPort, before), { httpPort, apiPort, registryPort });

  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await once(other, "listening");
  const taken = (other.address() as AddressInfo).port;
  const chosen = await choosePorts(anyPort, { ...before, apiPort: taken });
  assert.ok(among(chosen.apiPort));
  assert.deepEqual(chosen, { httpPort, apiPort: chosen.apiPort, registryPort });
  await assert.rejects(choosePorts({ httpPort: 0, httpsPort: taken }, before), (error: Error) => {
    assert.ok(error instanceof PortTakenError);
    assert.match(
      error.message,
      new RegExp(`^port ${taken} of .*, for the gateway's TLS, is already taken .*--https-port`),
    );
    return true;
  });
});
