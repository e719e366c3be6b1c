/**
 * Makes what is installed on a Kubernetes cluster: `npm run images -- REGISTRY/PATH`. An OCI image layout of each of our
 * programs in dist/images, and dist/hakn.yaml, the manifests with these images by digest.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bunEnvironment, nodeFlag } from "../src/main/runtime.ts";
import { installation } from "./installation.ts";
import { type ImageEntry, writeImageLayout } from "./oci-layout.ts";

const root = join(import.meta.dirname, "..");
const [repository, ...others] = process.argv.slice(2);
if (!repository || others.length > 0 || repository.includes("://")) {
  console.error("usage: npm run images -- REGISTRY/PATH    such as registry.example.com/hakn");
  process.exit(2);
}
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
// The Node that runs this, so that images have the version that package.json names.
const node = join(root, "node_modules/node/bin/node");
const program = (name: string) => join(root, "dist/bin", name);

for (const file of [node, program("controlplane"), program("autoscaler"), program("queue-proxy")]) {
  if (existsSync(file)) continue;
  console.error(`${file} is missing: run \`npm ci\` and \`npm run build\` first`);
  process.exit(1);
}

const user = "65532";
const accounts: readonly ImageEntry[] = [
  { path: "/etc/", mode: 0o755 },
  {
    path: "/etc/passwd",
    mode: 0o644,
    text: `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${user}:${user}:nonroot:/:/sbin/nologin\n`,
  },
  { path: "/etc/group", mode: 0o644, text: `root:x:0:\nnonroot:x:${user}:\n` },
];
const nodeLayer = [...accounts, ...librariesOf(node), { path: "/usr/local/bin/node", mode: 0o755, file: node }];

/** A program that Node runs; its name ends in .mjs, so that Node need not guess that it has modules. */
const nodeProgram = (name: string) => ({
  layers: [nodeLayer, [{ path: `/app/${name}.mjs`, mode: 0o644, file: program(name) }]],
  entrypoint: ["/usr/local/bin/node", nodeFlag, `/app/${name}.mjs`],
  env: [],
});

/** Without Bun the build makes queue-proxy a program for Node. */
const queueProxy = isExecutable(program("queue-proxy"))
  ? {
      layers: [
        [...accounts, ...librariesOf(program("queue-proxy"))],
        [{ path: "/app/queue-proxy", mode: 0o755, file: program("queue-proxy") }],
      ],
      entrypoint: ["/app/queue-proxy"],
      env: Object.entries(bunEnvironment).map(([name, value]) => `${name}=${value}`),
    }
  : nodeProgram("queue-proxy");

const contents = {
  controlplane: nodeProgram("controlplane"),
  autoscaler: nodeProgram("autoscaler"),
  "queue-proxy": queueProxy,
};
const references = { controlplane: "", autoscaler: "", "queue-proxy": "" };
for (const name of Object.keys(contents) as (keyof typeof contents)[]) {
  const image = { ...contents[name], tag: version, user, env: ["PATH=/usr/local/bin:/app", ...contents[name].env] };
  const digest = await writeImageLayout(join(root, "dist/images", name), image);
  references[name] = `${repository}/${name}@${digest}`;
}
writeFileSync(join(root, "dist/hakn.yaml"), installation(join(root, "manifests"), references));

console.log(`wrote dist/hakn.yaml, and images that are pushed with any tool for OCI layouts, such as:

${Object.keys(contents)
  .map((name) => `  skopeo copy oci:dist/images/${name}:${version} docker://${repository}/${name}:${version}`)
  .join("\n")}

then: kubectl apply -f dist/hakn.yaml`);

function isExecutable(file: string): boolean {
  return readFileSync(file).subarray(0, 4).toString("latin1") === "\x7fELF";
}

/** The shared libraries of a program and the loader, at the places where it looks for them. */
function librariesOf(file: string): ImageEntry[] {
  return execFileSync("ldd", [file], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => /(?:=> |^\s*)(\/\S+) \(0x/.exec(line)?.[1] ?? [])
    .map((path) => ({ path, mode: 0o755, file: realpathSync(path) }));
}
