import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "../../apis/core/pod-spec.ts";
import { loopbackVariable, sharedHost } from "../shared-loopback.ts";
import { type ContainerProcess, startProcess } from "./container-process.ts";
import { recordsOf, rootOf } from "./container-records.ts";
import { ContainerConfigError, expand, makeEnvironment } from "./environment.ts";
import { execCommand } from "./exec.ts";
import { findProgram } from "./find-program.ts";
import type { Image } from "./images.ts";
import { pathTranslator } from "./paths.ts";
import type { PodContext } from "./pod-context.ts";
import { mountVolumes } from "./volumes/mount.ts";

/** Everything that is needed to run a container's program, or another command in its place. */
export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** The container's private root, in which its volumes appear: HAKN_ROOT. */
  readonly root: string;
  /** The command line of another command in the container. Throws StartError when there is no such program. */
  commandLine(command: readonly string[]): readonly string[];
  exec(command: readonly string[], timeoutMs: number): Promise<{ readonly code: number; readonly output: string }>;
}

const usualMounts = ["/var/run/secrets/kubernetes.io/serviceaccount"];

/**
 * Mounts the volumes and makes the command, environment and working directory of a container. Throws
 * ContainerConfigError, StartError or VolumeError when one of them cannot be made.
 */
export async function prepareLaunch(context: PodContext, container: Container, image: Image): Promise<Launch> {
  const { node, place } = context;
  const pod = context.pod();
  const root = rootOf(context, container.name);
  mkdirSync(join(root, "dev"), { recursive: true });
  const mountPaths = [...(container.volumeMounts ?? []).map(({ mountPath }) => mountPath), ...usualMounts];
  const translate = pathTranslator(root, mountPaths);

  const declared = await makeEnvironment(pod, container, {
    client: node.client,
    services: node.services.list(),
    place,
    signal: context.killing,
  });
  const own = Object.fromEntries(Object.entries(declared).map(([name, value]) => [name, translate(value)]));
  const path = own["PATH"] ?? image.env["PATH"] ?? node.path;
  const env: Record<string, string> = {
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    HOME: root,
    ...image.env,
    ...own,
    PATH: `${node.runtimeDirectory}:${path}`,
    KUBERNETES_SERVICE_HOST: node.apiServer.host,
    KUBERNETES_SERVICE_PORT: String(node.apiServer.port),
    KUBERNETES_SERVICE_PORT_HTTPS: String(node.apiServer.port),
    HAKN_CONTAINER: `${pod.metadata.namespace}/${pod.metadata.name}/${container.name}`,
    ...bindVariables(context, container.name),
    HAKN_ROOT: root,
  };
  await mountVolumes(pod, container, context.volumes(), root, env);

  const given = container.command?.length ? container.command : image.entrypoint;
  const args = container.args?.length || container.command?.length ? (container.args ?? []) : image.command;
  const words = [...given, ...args].map((word) => translate(expand(word, declared)));
  if (words.length === 0) throw new ContainerConfigError("no command specified");
  const workingDir = container.workingDir
    ? placeOf(container.workingDir, translate, image.root)
    : join(image.root, image.workingDir);
  mkdirSync(workingDir, { recursive: true });
  const resolve = (command: readonly string[]) => [
    findProgram(command[0]!, workingDir, image.root, env["PATH"]!),
    ...command.slice(1),
  ];
  const commandLine = (command: readonly string[]) => resolve(command.map((word) => translate(word)));
  return {
    command: resolve(words),
    env,
    workingDir,
    root,
    commandLine,
    async exec(command, timeoutMs) {
      return execCommand({ command: commandLine(command), env, workingDir, timeoutMs, clock: node.clock });
    },
  };
}

/** Where a container's program is to listen. Ours know what to make of a loopback address that pods share. */
function bindVariables({ node, place, userPort }: PodContext, container: string): Record<string, string> {
  if (node.loopback === "shared") return { HAKN_BIND_ADDRESS: sharedHost, [loopbackVariable]: node.loopback };
  // A program with a port of its own is reached at 127.0.0.1; all others have the pod's address.
  return { HAKN_BIND_ADDRESS: userPort?.container === container ? "127.0.0.1" : place.podIP };
}

/** A working directory is a mounted volume's, or else one of the image. */
function placeOf(path: string, translate: (text: string) => string, imageRoot: string): string {
  const translated = translate(path);
  return translated === path ? join(imageRoot, path) : translated;
}

/** Starts the program as the container's start number `attempt`. */
export async function launch(
  context: PodContext,
  container: Container,
  attempt: number,
  what: Launch,
): Promise<ContainerProcess> {
  const { node } = context;
  return startProcess(
    {
      shim: node.shim,
      records: recordsOf(context, container.name, attempt),
      command: what.command,
      env: what.env,
      workingDir: what.workingDir,
      lifeline: node.lifeline,
      mark: `${node.mark}.${context.pod().metadata.uid}`,
    },
    node.clock,
  );
}
