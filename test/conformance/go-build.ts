import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Suite } from "./suites.ts";

const moduleDirectory = fileURLToPath(new URL(".", import.meta.url));

/** Where binaries and logs are kept from run to run. */
export const workDirectory = process.env["HAKN_CONFORMANCE_DIR"] || join(homedir(), ".cache", "hakn-conformance");

/** Where the commands are that suites run. */
export const commandDirectory = join(workDirectory, "commands");

/** Builds a suite's tests and the command that they run, unless that was done before, and resolves with the tests' path. */
export async function buildSuite(suite: Suite): Promise<string> {
  const binary = join(workDirectory, "bin", `${suite.name}.test`);
  const tags = ["e2e", ...(suite.tags ?? [])].join();
  await go("test", "-c", "-vet=off", "-trimpath", "-ldflags=-s -w", `-tags=${tags}`, "-o", binary, suite.package);
  if (suite.command) await go("build", "-trimpath", "-ldflags=-s -w", "-o", `${commandDirectory}/`, suite.command);
  return binary;
}

/** Builds the program of a test image, and resolves with the binary's path. */
export async function buildImageProgram(repository: Suite["repository"], image: string): Promise<string> {
  const binary = join(workDirectory, "images", repository, image);
  const nested = image === "servingcontainer" || image === "sidecarcontainer" ? `multicontainer/${image}` : image;
  const source = `knative.dev/${repository}/test/test_images/${nested}`;
  await go("build", "-trimpath", "-ldflags=-s -w", `-modfile=${await makeImageModule()}`, "-o", binary, source);
  return binary;
}

/** Builds upstream's webhook, and resolves with the program's path. */
export async function buildWebhook(): Promise<string> {
  const program = join(commandDirectory, "webhook");
  await go("build", "-trimpath", "-ldflags=-s -w", "-o", program, "knative.dev/serving/cmd/webhook");
  return program;
}

/**
 * Containers share the machine's ports here, but most test images listen on a fixed one. All of them get their server
 * from one function of knative.dev/pkg/network: in a copy of that module it listens where the container is told to.
 */
async function makeImageModule(): Promise<string> {
  const modFile = join(workDirectory, "images.mod");
  const copy = join(workDirectory, "knative-pkg");
  if (existsSync(modFile)) return modFile;
  await cp(await go("list", "-m", "-f", "{{.Dir}}", "knative.dev/pkg"), copy, { recursive: true });
  await promisify(execFile)("chmod", ["-R", "u+w", copy]);
  const server = join(copy, "network", "h2c.go");
  const source = await readFile(server, "utf8");
  const changed = source.replace(/(Addr:\s*)addr,/, "$1listenAddress(addr),");
  if (changed === source) throw new Error(`${server}: NewServer is not as expected, test images cannot be built`);
  await writeFile(server, changed);
  await copyFile(join(moduleDirectory, "listen", "listen_address.go"), join(copy, "network", "listen_address.go"));
  await copyFile(join(moduleDirectory, "go.sum"), join(workDirectory, "images.sum"));
  const module = await readFile(join(moduleDirectory, "go.mod"), "utf8");
  await writeFile(modFile, `${module}\nreplace knative.dev/pkg => ${copy}\n`);
  return modFile;
}

async function go(...args: string[]): Promise<string> {
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false -mod=mod" };
  const { stdout } = await promisify(execFile)("go", args, { cwd: moduleDirectory, env, maxBuffer: 64e6 });
  return stdout.trim();
}
