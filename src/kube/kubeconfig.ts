import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import type { Connection, ExecCredentials } from "./credentials.ts";

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly clusters?: readonly { readonly name: string; readonly cluster?: ClusterEntry }[];
  readonly contexts?: readonly { readonly name: string; readonly context?: ContextEntry }[];
  readonly users?: readonly { readonly name: string; readonly user?: UserEntry }[];
}

interface ClusterEntry {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}

interface ContextEntry {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

interface UserEntry {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: ExecEntry;
}

interface ExecEntry {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
}

/** Reads a kubeconfig file and returns the connection of one context: the current one unless named. */
export async function loadKubeconfig(path: string, contextName?: string): Promise<Connection> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new Error(`cannot read the kubeconfig file ${path}`, { cause: error });
  }
  try {
    return parseKubeconfig(text, dirname(path), contextName);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** The connection of one context of a kubeconfig's text. Files that it names are relative to `directory`. */
export function parseKubeconfig(text: string, directory: string, contextName?: string): Connection {
  const config = (parse(text) ?? {}) as Kubeconfig;
  const name = contextName ?? config["current-context"];
  if (!name) throw new Error("current-context is not set: name a context");
  const context = config.contexts?.find((entry) => entry.name === name)?.context;
  if (!context) {
    const known = (config.contexts ?? []).map((entry) => entry.name).join(", ");
    throw new Error(`contexts: there is no context "${name}" (there are: ${known || "none"})`);
  }
  const cluster = config.clusters?.find((entry) => entry.name === context.cluster)?.cluster;
  if (!cluster?.server)
    throw new Error(`clusters: the cluster "${context.cluster ?? ""}" of context "${name}" has no server`);
  const user = config.users?.find((entry) => entry.name === context.user)?.user ?? {};

  const file = (path: string | undefined) => (path ? resolve(directory, path) : undefined);
  const decoded = (data: string | undefined) => (data ? Buffer.from(data, "base64").toString("utf8") : undefined);
  return withoutUndefined({
    server: cluster.server,
    ca: decoded(cluster["certificate-authority-data"]),
    caFile: file(cluster["certificate-authority"]),
    skipTlsVerify: cluster["insecure-skip-tls-verify"],
    serverName: cluster["tls-server-name"],
    cert: decoded(user["client-certificate-data"]),
    certFile: file(user["client-certificate"]),
    key: decoded(user["client-key-data"]),
    keyFile: file(user["client-key"]),
    token: user.token,
    tokenFile: file(user.tokenFile),
    basic: user.username ? { username: user.username, password: user.password ?? "" } : undefined,
    exec: user.exec ? () => runExecPlugin(user.exec!, directory) : undefined,
    namespace: context.namespace,
  });
}

/** Where a program finds its API server when it runs in a pod. */
export interface PodEnvironment {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
  readonly host: string;
  readonly port: string;
  /** A prefix of absolute paths, where the pod has no file system of its own; "" otherwise. */
  readonly root: string;
}

/** The connection of a pod: its service account's token (read again each minute), CA and namespace. */
export async function inClusterConnection(environment: PodEnvironment): Promise<Connection> {
  const directory = `${environment.root}/var/run/secrets/kubernetes.io/serviceaccount`;
  const host = environment.host.includes(":") ? `[${environment.host}]` : environment.host;
  const namespace = (await readFile(`${directory}/namespace`, "utf8").catch(() => "")).trim();
  return {
    server: `https://${host}:${environment.port}`,
    caFile: `${directory}/ca.crt`,
    tokenFile: `${directory}/token`,
    ...(namespace && { namespace }),
  };
}

interface ExecCredential {
  readonly status?: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
    readonly expirationTimestamp?: string;
  };
}

/** Runs a credential plugin. Source: client.authentication.k8s.io/v1 ExecCredential. */
async function runExecPlugin(entry: ExecEntry, directory: string): Promise<ExecCredentials> {
  if (!entry.command) throw new Error("users: exec.command is empty");
  const apiVersion = entry.apiVersion ?? "client.authentication.k8s.io/v1";
  const request = { apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  // A command with a slash is relative to the kubeconfig; any other is looked up in the PATH. execFile keeps our own
  // environment only when none is given, hence env(1).
  const command = entry.command.includes("/") ? resolve(directory, entry.command) : entry.command;
  const variables = [...(entry.env ?? []), { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(request) }];
  const assignments = variables.map(({ name, value }) => `${name}=${value}`);
  const { stdout } = await promisify(execFile)("env", [...assignments, command, ...(entry.args ?? [])]).catch(
    (error) => {
      throw new Error(`the credential plugin ${entry.command} failed`, { cause: error });
    },
  );
  const status = (JSON.parse(stdout) as ExecCredential).status ?? {};
  return withoutUndefined({
    token: status.token,
    cert: status.clientCertificateData,
    key: status.clientKeyData,
    expiresAtMs: status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : undefined,
  });
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Drops the fields that are undefined. */
function withoutUndefined<T extends object>(object: T): Partial<Defined<T>> & Pick<Defined<T>, RequiredKeys<T>> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}

type RequiredKeys<T> = { [K in keyof T]: undefined extends T[K] ? never : K }[keyof T];
