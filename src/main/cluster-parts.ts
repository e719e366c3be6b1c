import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { startGateway } from "../cluster/gateway/gateway.ts";
import { makeGatewayObjects } from "../cluster/gateway/objects.ts";
import type { Images } from "../cluster/manifests.ts";
import { startRegistry } from "../cluster/registry/server.ts";
import { snapshotDirectory } from "../cluster/registry/snapshot.ts";
import { openImageStore } from "../cluster/registry/store.ts";
import type { ClusterParts } from "../cluster/supervisor/parts.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { bunEnvironment, quietNode } from "./runtime.ts";

const address = "127.0.0.1";
/** How pods and users name the registry in image references. */
const registryName = "localhost";

/** The parts of the embedded cluster that run in the supervisor. `programDirectory` holds our bundled programs. */
export function clusterParts(programDirectory: string, version: string, clock: Clock, log: Logger): ClusterParts {
  return {
    async startRegistry(directory, port) {
      const store = await openImageStore(directory);
      const listen = (at: number) => startRegistry({ store, address, port: at, log });
      // It was free a moment ago; another cluster that starts now may have been faster.
      const server = await listen(port).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EADDRINUSE") throw error;
        return listen(0);
      });
      const imageOf = (name: string, runtime: readonly string[], env: Readonly<Record<string, string>> = {}) =>
        imageOfProgram(join(programDirectory, name), runtime, env, server.port, version);
      const [controlplane, autoscaler, queueProxy] = await Promise.all([
        imageOf("controlplane", quietNode),
        imageOf("autoscaler", quietNode),
        imageOf("queue-proxy", [], bunEnvironment),
      ]);
      const images: Images = { controlplane, autoscaler, "queue-proxy": queueProxy };
      return { images, port: server.port, close: () => server.close() };
    },
    gatewayObjects: makeGatewayObjects,
    startGateway: (options) => startGateway({ ...options, clock, log }),
  };
}

/**
 * Makes an image of one of our own programs, which are run where they lie: the executable of queue-proxy holds a whole
 * runtime, and copying it through the registry would cost each first start seconds. The image holds the program's digest,
 * so that another build is another image.
 */
async function imageOfProgram(
  program: string,
  runtime: readonly string[],
  env: Readonly<Record<string, string>>,
  registryPort: number,
  version: string,
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "hakn-image-"));
  try {
    writeFileSync(join(directory, "program.sha256"), await digestOf(program));
    const repository = `hakn/${basename(program)}`;
    const digest = await snapshotDirectory(directory, {
      registry: `${address}:${registryPort}`,
      repository,
      tag: version,
      command: [...runtime, program],
      env,
    });
    return `${registryName}:${registryPort}/${repository}@${digest}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Read through one buffer: a stream's would stay with the process, which lives as long as the cluster. */
async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(1 << 20);
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** Packs a user's directory into an image of the local registry; resolves with its reference by digest. */
export async function imageOfDirectory(directory: string, name: string, registry: string): Promise<string> {
  const digest = await snapshotDirectory(directory, {
    registry: registry.replace(registryName, address),
    repository: name,
  });
  return `${registry}/${name}@${digest}`;
}

/** A Service name made from a directory's: lower case, digits and dashes, beginning with a letter. */
export function serviceNameOf(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 63);
  return name || "app";
}
