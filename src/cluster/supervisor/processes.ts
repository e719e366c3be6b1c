import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

/** A process that belongs to a cluster. */
export interface ClusterProcess {
  readonly pid: number;
  /** What it is: "supervisor", "apiserver", "node-agent", or NAMESPACE/POD/CONTAINER. */
  readonly name: string;
  /** Resident memory (RSS): what is shared with others, such as the runtime's binary, counts in full. */
  readonly residentBytes: number;
  /** Its share of the machine's memory (PSS): what several share is divided among them. Absent where the system does not tell. */
  readonly proportionalBytes?: number;
}

/**
 * The processes of the cluster of a directory, told by the environment that they were started with. Empty where the
 * system has no /proc.
 */
export function clusterProcesses(dataDir: string, supervisor: number | undefined): ClusterProcess[] {
  let pids: string[];
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids.flatMap((name) => {
    const pid = Number(name);
    const label = pid === supervisor ? "supervisor" : labelOf(pid, dataDir);
    const memory = label === undefined ? undefined : memoryOf(pid);
    return label === undefined || memory === undefined ? [] : [{ pid, name: label, ...memory }];
  });
}

function labelOf(pid: number, dataDir: string): string | undefined {
  const environment = read(pid, "environ")?.split("\0") ?? [];
  const value = (variable: string) =>
    environment.find((entry) => entry.startsWith(`${variable}=`))?.slice(variable.length + 1);
  if (value("HAKN_ROOT")?.startsWith(`${dataDir}/`)) {
    // Without a token it is the shell that watches over the container.
    return value("HAKN_CONTAINER_TOKEN") ? (value("HAKN_CONTAINER") ?? "container") : undefined;
  }
  if (value("HAKN_DATA_DIR") !== dataDir) return undefined;
  const program = read(pid, "cmdline")
    ?.split("\0")
    .find((argument) => argument.includes("libexec/"));
  return program ? basename(program) : undefined;
}

function memoryOf(pid: number): Pick<ClusterProcess, "residentBytes" | "proportionalBytes"> | undefined {
  const residentBytes = bytesOf("VmRSS", read(pid, "status"));
  if (residentBytes === undefined) return undefined;
  const proportionalBytes = bytesOf("Pss", read(pid, "smaps_rollup"));
  return { residentBytes, ...(proportionalBytes !== undefined && { proportionalBytes }) };
}

function bytesOf(name: string, text = ""): number | undefined {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    // It ended meanwhile, or belongs to somebody else.
    return undefined;
  }
}
