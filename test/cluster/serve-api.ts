/** Starts an API server on the directory that is given, prints how to reach it, and serves until it is killed. */
import { startApiServer } from "../../src/cluster/api/api-server.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error("usage: node test/cluster/serve-api.ts DIRECTORY");
const server = await startApiServer({ dataDir, address: "127.0.0.1", port: 0, clock: systemClock, log: silentLogger });
const { token } = server.loopbackClientConfig;
process.stdout.write(`${JSON.stringify({ url: server.url, ca: server.caCertificate, token })}\n`);
