import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { pause } from "../../lib/clock.ts";
import type { ContainerProcess } from "./container-process.ts";
import type { PodContext } from "./pod-context.ts";

const graceMs = 5000;
const pollMs = 250;

/**
 * Tells the user when the serving container does not listen where PORT says: a program that has its port built in
 * works on a real cluster, where every pod has a network of its own, but not here.
 */
export function watchListening(context: PodContext, process: ContainerProcess, signal: AbortSignal): void {
  const { clock } = context.node;
  const { container, declared, actual } = context.userPort!;
  void (async () => {
    const deadline = clock.monotonic() + graceMs;
    while (clock.monotonic() < deadline) {
      if (await accepts(actual)) return;
      if (!(await pause(clock, pollMs, signal))) return;
    }
    const program = process.pid();
    const ports = program === undefined ? [] : listeningPorts(program);
    const wrongAddress = ports.includes(actual);
    const found = wrongAddress
      ? "it has the port, but at another address. Let the program listen on all addresses or on 127.0.0.1"
      : `${ports.length > 0 ? `it listens on ${ports.join(", ")} instead` : "it listens nowhere yet"}. Let the program read the environment variable PORT`;
    const where = `127.0.0.1:$PORT (${actual}), which stands for its port ${declared} in the embedded cluster`;
    context.events.warning("PortNotServed", `Container ${container} does not listen on ${where}: ${found}`);
  })();
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** The TCP ports on which a process and its children listen; none where the system does not tell (not Linux). */
function listeningPorts(pid: number): number[] {
  const inodes = new Set<string>();
  for (const member of withChildren(pid)) {
    for (const descriptor of list(`/proc/${member}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${member}/fd/${descriptor}`))?.[1];
      if (inode) inodes.add(inode);
    }
  }
  const ports = new Set<number>();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of read(`/proc/${pid}/net/${table}`).split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      if (state === "0A" && inodes.has(inode)) ports.add(Number.parseInt(local.split(":")[1] ?? "0", 16));
    }
  }
  return [...ports].sort((a, b) => a - b);
}

function withChildren(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(/\s+/).filter(Boolean).map(Number);
  return [pid, ...children.flatMap(withChildren)];
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
