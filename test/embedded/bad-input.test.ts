import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildPrograms, kubectlPath, root, startTestCluster, type TestCluster } from "./cluster.ts";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function hakn(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, "dist/bin/hakn"), ...args], { cwd: root }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, out, err });
    });
  });
}

/** The loaded modules of Node itself, of a program that ends at once. */
const loadedModules = "data:text/javascript,process.on('exit', () => console.log(process.moduleLoadList.join()))";

describe("the programs as they are bundled", () => {
  before(buildPrograms);

  test("a reader that leaves early is no error", async () => {
    const child = spawn(process.execPath, [join(root, "dist/bin/hakn"), "--help"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    assert.deepEqual({ code, complaint }, { code: 0, complaint: "" });
  });

  test("the command line runs in the Node that came along, as the very process that was started", async () => {
    const place = mkdtempSync(join(tmpdir(), "hakn place "));
    try {
      // Where an old Node is the only one in the PATH, and hakn is found through a link.
      writeFileSync(join(place, "node"), "#!/bin/sh\nexit 9\n", { mode: 0o755 });
      symlinkSync(join(root, "dist/bin/hakn"), join(place, "hakn"));
      const report = "process.on('exit', () => process.stderr.write(process.pid + ' ' + process.version))";
      const child = spawn("hakn", ["--version"], {
        env: { PATH: `${place}:/usr/bin:/bin`, NODE_OPTIONS: `--import="data:text/javascript,${report}"` },
        stdio: ["ignore", "ignore", "pipe"],
      });
      let told = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        told += text;
      });
      const code = await new Promise((resolve) => child.once("close", resolve));
      assert.deepEqual({ code, told }, { code: 0, told: `${child.pid} ${process.version}` });
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });

  test("no program loads Node's client for fetch, which none of them needs", () => {
    for (const program of [
      "bin/hakn",
      "bin/controlplane",
      "bin/autoscaler",
      "libexec/apiserver",
      "libexec/node-agent",
    ]) {
      const { stdout } = spawnSync(
        process.execPath,
        ["--import", loadedModules, join(root, "dist", program), "--version"],
        {
          encoding: "utf8",
          env: { PATH: process.env["PATH"] },
        },
      );
      assert.match(stdout, /NativeModule http,/, program);
      assert.doesNotMatch(stdout, /undici\/undici/, program);
    }
  });
});

describe("hakn up refuses what cannot work, and says what to do", () => {
  let directory: string;
  let taken: Server;
  let port: number;
  before(async () => {
    buildPrograms();
    directory = mkdtempSync(join(tmpdir(), "hakn-bad-"));
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    port = (taken.address() as { port: number }).port;
  });
  after(() => {
    taken.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test("a port that is taken", async () => {
    const { code, err } = await hakn("up", "--data-dir", join(directory, "a"), "--http-port", String(port));
    assert.equal(code, 1);
    assert.match(err, new RegExp(`port ${port} of 127\\.0\\.0\\.1.*, for the gateway, is already taken .*--http-port`));
  });

  test("a port that another program has where localhost leads to as well", async (t) => {
    const other = createServer();
    const found = await new Promise<number | undefined>((resolve) => {
      other.once("error", () => resolve(undefined));
      other.listen(0, "::1", () => resolve((other.address() as { port: number }).port));
    });
    if (found === undefined) return t.skip("this machine has no ::1");
    try {
      const { code, err } = await hakn("up", "--data-dir", join(directory, "a"), "--http-port", String(found));
      assert.equal(code, 1);
      // The same port of 127.0.0.1 may be anybody's meanwhile.
      assert.match(err, new RegExp(`port ${found} of .*::1, for the gateway, is already taken`));
    } finally {
      other.close();
    }
  });

  test("one port for two things", async () => {
    const ports = ["--http-port", "18080", "--https-port", "18080"];
    const { code, err } = await hakn("up", "--data-dir", join(directory, "a"), ...ports);
    assert.equal(code, 1);
    assert.match(err, /--http-port and --https-port are both 18080/);
  });

  test("a database that is none: told at once, with what to do", async () => {
    const dataDir = join(directory, "damaged");
    mkdirSync(join(dataDir, "api"), { recursive: true });
    writeFileSync(join(dataDir, "api/cluster.db"), "no database");
    const { code, err } = await hakn("up", "--data-dir", dataDir, "--http-port", "0");
    assert.equal(code, 1);
    assert.match(err, /cannot start in .*damaged: cannot use the database .*\.db: file is not a database\. .*--purge/);
  });

  test("a data directory that cannot be made", async () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    const { code, err } = await hakn("up", "--data-dir", join(file, "below"), "--http-port", "0");
    assert.equal(code, 1);
    assert.match(
      err,
      /the data directory .*file\/below cannot be written to \(ENOTDIR\): choose another with --data-dir/,
    );
  });

  test("commands without a cluster", async () => {
    for (const args of [["deploy", "examples/hello"], ["logs", "hello"], ["kubeconfig"]]) {
      const { code, err } = await hakn(args[0]!, "--data-dir", join(directory, "b"), ...args.slice(1));
      assert.equal(code, 1, args.join(" "));
      assert.match(err, /no cluster is running in .*: start one with `hakn up`/, args.join(" "));
    }
  });

  test("asking makes no directory", async () => {
    const dataDir = join(directory, "none");
    assert.equal((await hakn("status", "--data-dir", dataDir)).code, 1);
    assert.equal((await hakn("down", "--data-dir", dataDir)).code, 0);
    assert.equal(existsSync(dataDir), false);
  });

  test("purging a directory that holds no cluster deletes nothing", async () => {
    const precious = join(directory, "file");
    const { code, err } = await hakn("down", "--purge", "--data-dir", directory);
    assert.equal(code, 1);
    assert.match(err, /holds no cluster: nothing is deleted/);
    writeFileSync(precious, "still here", { flag: "r+" });
  });
});

describe("a running cluster refuses bad input", {
  skip: kubectlPath ? false : "kubectl is not on this machine",
}, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  const service = (spec: string) =>
    `apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: bad}\nspec: ${spec}\n`;
  const container = (fields: string) => service(`{template: {spec: {containers: [{image: dev.local/x, ${fields}}]}}}`);
  const refusals: [string, string, RegExp][] = [
    ["YAML that is none", "apiVersion: v1\nkind: [", /error (converting|parsing)|did not find expected/],
    [
      "an unknown field",
      container("imagePullPolicyy: Always"),
      /unknown field "spec\.template\.spec\.containers\[0\]\.imagePullPolicyy"/,
    ],
    ["a value of a wrong type", container("args: 7"), /containers\[0\]\.args|cannot unmarshal|must be of type array/],
    [
      "a volume that is nowhere mounted",
      service("{template: {spec: {containers: [{image: a}], volumes: [{name: v, emptyDir: {}}]}}}"),
      /must be mounted|volume with name "v" not mounted/,
    ],
    [
      "traffic that does not add up",
      service("{template: {spec: {containers: [{image: a}]}}, traffic: [{latestRevision: true, percent: 50}]}"),
      /Traffic targets sum to 50, want 100: spec\.traffic/,
    ],
    [
      "an unknown kind",
      "apiVersion: serving.knative.dev/v1\nkind: Sevice\nmetadata: {name: x}",
      /no matches for kind "Sevice"/,
    ],
    [
      "a name that is none",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A_b}",
      /metadata\.name: Invalid value: "A_b"/,
    ],
    [
      "a bad setting",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-autoscaler, namespace: knative-serving}\ndata: {min-scale: many}",
      /config\.webhook\.hakn\.chainguard\.dev.*min-scale/s,
    ],
  ];
  for (const [name, yaml, message] of refusals) {
    test(name, async () => {
      await assert.rejects(cluster.apply(yaml), (error: Error) => {
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test("the same directory and port a second time", async () => {
    const { code, err } = await hakn("up", "--data-dir", cluster.dataDir, "--http-port", "0");
    assert.equal(code, 1);
    assert.match(err, /is running already \(process \d+\): use it, stop it with `hakn down`/);
  });

  test("a directory without a program", async () => {
    const empty = mkdtempSync(join(tmpdir(), "hakn-empty-"));
    const { code, err } = await hakn("deploy", empty, "--data-dir", cluster.dataDir);
    rmSync(empty, { recursive: true });
    assert.equal(code, 1);
    assert.match(err, /Procfile|package\.json/);
  });

  test("an image that is nowhere: the Service says so", async () => {
    await cluster.apply(service(`{template: {spec: {containers: [{image: "${cluster.registry}/nothing"}]}}}`));
    await cluster.kubectl("wait", "ksvc/bad", "--for=condition=Ready=False", "--timeout=30s");
    const said = await cluster.kubectl(
      "get",
      "ksvc",
      "bad",
      "-o",
      "jsonpath={.status.conditions[?(@.type=='Ready')].message}",
    );
    assert.match(said, /Unable to fetch image ".*\/nothing".*(404|MANIFEST_UNKNOWN|NAME_UNKNOWN|not found)/i);
  });
});
