/**
 * Records what a real API server answers: `node test/cluster/record-contract.ts KUBECONFIG`. The server should be a
 * fresh one whose controller manager and scheduler are stopped, since both change objects between two requests.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";
import { type Access, type Answer, runCase, send } from "./contract.ts";
import { cases, setUp, tearDown } from "./contract-cases/index.ts";

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Record<string, string> }[];
  readonly users: readonly { readonly user: Record<string, string> }[];
}

const path = process.argv[2];
if (path === undefined) throw new Error("usage: node test/cluster/record-contract.ts KUBECONFIG");
const config = parse(readFileSync(path, "utf8")) as Kubeconfig;
const cluster = config.clusters[0]!.cluster;
const user = config.users[0]!.user;
const content = (source: Record<string, string>, name: string) => {
  const inline = source[`${name}-data`];
  return inline ? Buffer.from(inline, "base64").toString() : readFileSync(source[name]!, "utf8");
};
const access: Access = {
  url: cluster["server"]!,
  ca: content(cluster, "certificate-authority"),
  cert: content(user, "client-certificate"),
  key: content(user, "client-key"),
};

for (const step of setUp) await send(access, step);
const golden: Record<string, Answer[]> = {};
for (const contractCase of cases) golden[contractCase.name] = await runCase(access, contractCase);
for (const step of tearDown) await send(access, step);
writeFileSync(new URL("../golden/api-contract.json", import.meta.url), `${JSON.stringify(golden, null, 1)}\n`);
