import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { VirtualService } from "../../src/apis/istio/virtualservice.ts";
import { type KubeObject, keyOf } from "../../src/apis/meta.ts";
import { hashHeader } from "../../src/apis/networking/headers.ts";
import type { Informers } from "../../src/kube/api.ts";

/** Where pods are asked for their load. */
const statsPort = 9090;
const digest = `sha256:${"0".repeat(64)}`;

/** What answers instead of Envoy, of the pods and of a registry. */
export interface Stand {
  /** Answers probes of the routes that VirtualServices ask for. */
  readonly gatewayPort: number;
  /** Knows every image. */
  readonly registryPort: number;
  close(): void;
}

/** Starts it, the gateway on `address`. The pods' part listens on every address of the machine, since each pod has its own. */
export async function startStand(informers: Informers, address: string): Promise<Stand> {
  const hashes = followRoutes(informers);
  const gateway = await listen(address, 0, (request, response) => {
    const hash = hashes.get((request.headers.host ?? "").replace(/:\d+$/, ""));
    if (hash === undefined) response.writeHead(404).end();
    else response.writeHead(200, { [hashHeader]: hash }).end();
  });
  // An empty protobuf message: a pod without load.
  const pods = await listen("0.0.0.0", statsPort, (_, response) => {
    response.writeHead(200, { "content-type": "application/protobuf" }).end();
  });
  const registry = await listen("127.0.0.1", 0, (_, response) => {
    const type = "application/vnd.oci.image.manifest.v1+json";
    response.writeHead(200, { "docker-content-digest": digest, "content-type": type, "content-length": 2 }).end("{}");
  });
  const servers = [gateway, pods, registry];
  return {
    gatewayPort: (gateway.address() as AddressInfo).port,
    registryPort: (registry.address() as AddressInfo).port,
    close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

/** The hash that each host's VirtualService would have the gateway send along. */
function followRoutes(informers: Informers): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  const hostsOf = new Map<string, readonly string[]>();
  informers.of(VirtualService).onChange(({ type, object }) => {
    const key = keyOf(object);
    for (const host of hostsOf.get(key) ?? []) hashes.delete(host);
    hostsOf.delete(key);
    const hash = type === "deleted" ? undefined : hashOf(object);
    if (hash === undefined) return;
    const { hosts = [] } = object.spec;
    hostsOf.set(key, hosts);
    for (const host of hosts) hashes.set(host, hash);
  });
  return hashes;
}

function hashOf(object: KubeObject): string | undefined {
  return new RegExp(`"${hashHeader}":"([^"]+)"`, "i").exec(JSON.stringify(object))?.[1];
}

function listen(address: string, port: number, answer: RequestListener<typeof IncomingMessage, typeof ServerResponse>) {
  const server = createServer({ keepAliveTimeout: 60_000 }, answer);
  return new Promise<typeof server>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => resolve(server));
  });
}
