/**
 * What the commands can have done. The command line only reads arguments and prints; main puts the parts together that
 * do the work.
 */
export interface Actions {
  /** Rejects when `signal` aborts before the cluster is ready; nothing is left running then. */
  up(options: UpOptions, progress: Progress, signal: AbortSignal): Promise<RunningCluster>;
  /** Stops the cluster of a data directory; false when none was running. */
  down(options: { readonly dataDir: string; readonly purge: boolean }, progress: Progress): Promise<boolean>;
  status(options: { readonly dataDir: string }): Promise<ClusterStatus>;
  deploy(options: DeployOptions, progress: Progress, signal?: AbortSignal): Promise<Deployed>;
  /** Prints log lines through `print` until they end, or for ever with `follow`. */
  logs(options: LogOptions, print: (line: LogLine) => void): Promise<void>;
  /** Runs a load series through the autoscaler's decisions, and draws it where `svg` names a file. */
  simulate(options: SimulateOptions): Simulation;
  /** The path of the kubeconfig of a data directory's cluster. */
  kubeconfigPath(options: { readonly dataDir: string }): Promise<string>;
  defaultDataDir(): string;
  /** Rejects when `signal` aborts first. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
  /** Makes the program end with code 1 although nothing was thrown. */
  fail(): void;
  /** Aborts when the user asks to stop (Ctrl-C, SIGTERM, the terminal is closed). Asking again ends the program at once. */
  interrupted(): AbortSignal;
}

/** Tells what is being done; `step` may be called often, the last text counts. */
export interface Progress {
  step(text: string): void;
}

export interface UpOptions {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly httpsPort: number | undefined;
}

export interface RunningCluster {
  readonly kubeconfig: string;
  /** How the gateway is reached from this machine, such as http://localhost:8080. */
  readonly gatewayUrl: string;
  /** Where images are pushed to, such as localhost:5050. */
  readonly registry: string;
  readonly version: string;
  status(): Promise<ClusterStatus>;
  stop(progress: Progress): Promise<void>;
}

export interface DeployOptions {
  readonly dataDir: string;
  readonly directory: string;
  readonly name: string | undefined;
  readonly namespace: string;
  readonly env: Readonly<Record<string, string>>;
  readonly wait: boolean;
  readonly timeoutMs: number;
  /** Only make the image. */
  readonly imageOnly: boolean;
}

export interface Deployed {
  readonly name: string;
  readonly namespace: string;
  /** The image, by digest. */
  readonly image: string;
  /** With the gateway's port, so that it can be opened as it is. */
  readonly url: string;
  readonly revision: string;
  readonly ready: boolean;
}

export interface LogOptions {
  readonly dataDir: string;
  readonly name: string;
  readonly namespace: string;
  readonly container: string | undefined;
  readonly follow: boolean;
  readonly tail: number | undefined;
}

export interface LogLine {
  readonly pod: string;
  readonly container: string;
  readonly line: string;
  /** No other pod's lines are printed beside it. */
  readonly alone: boolean;
}

export interface SimulateOptions {
  readonly file: string;
  /** Settings to try beside those of the file, as NAME=VALUE,NAME=VALUE. */
  readonly settings: readonly string[];
  readonly svg: string | undefined;
}

export interface Simulation {
  readonly settings: readonly SimulatedSetting[];
  /** What was decided in truth, where the file tells. */
  readonly recorded: readonly { readonly atMs: number; readonly desiredPods: number; readonly readyPods: number }[];
}

export interface SimulatedSetting {
  readonly name: string;
  readonly metric: string;
  /** The load that one pod should have, and that it can bear. */
  readonly targetValue: number;
  readonly totalValue: number;
  readonly ticks: readonly {
    /** Milliseconds since the beginning. */
    readonly atMs: number;
    readonly load: number;
    readonly stableValue: number;
    readonly panicValue: number;
    readonly desiredPods: number;
    readonly readyPods: number;
    readonly mode: string;
    /** What had the last word. */
    readonly rule: string;
  }[];
  readonly summary: {
    readonly mostPods: number;
    readonly podMinutes: number;
    /** How long the load was more than the ready pods can bear. */
    readonly overloadedSeconds: number;
    readonly changes: number;
  };
}

export interface ClusterStatus {
  readonly running: boolean;
  readonly dataDir: string;
  readonly gatewayUrl?: string;
  readonly kubeconfig?: string;
  readonly processes: readonly ProcessStatus[];
  readonly services: readonly ServiceStatus[];
  /** Why the services are not known. */
  readonly problem?: string;
}

export interface ProcessStatus {
  readonly name: string;
  readonly pid: number;
  readonly restarts: number;
  /** Resident memory (RSS) in bytes; 0 where the system does not tell. */
  readonly residentBytes: number;
  /** Its share of the machine's memory (PSS) in bytes, where the system tells it. */
  readonly proportionalBytes?: number;
}

export interface ServiceStatus {
  readonly namespace: string;
  readonly name: string;
  readonly ready: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly url?: string;
  readonly revision?: string;
  readonly pods: number;
}
