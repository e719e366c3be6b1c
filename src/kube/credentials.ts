import { readFile } from "node:fs/promises";
import type { Clock } from "../lib/clock.ts";

/** Where an API server is and how to prove who we are. Texts win over files; files are read again every minute. */
export interface Connection {
  /** Such as `https://10.0.0.1:443`; a path is kept as a prefix. */
  readonly server: string;
  /** Certificates (PEM) to trust instead of the system's. */
  readonly ca?: string;
  readonly caFile?: string;
  /** The client's certificate and its key (PEM). */
  readonly cert?: string;
  readonly certFile?: string;
  readonly key?: string;
  readonly keyFile?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  /** A program that prints credentials. Source: client.authentication.k8s.io ExecCredential. */
  readonly exec?: () => Promise<ExecCredentials>;
  /** The name to expect in the server's certificate, where it is not the host of `server`. */
  readonly serverName?: string;
  readonly skipTlsVerify?: boolean;
  /** The namespace that this connection is meant for, such as the pod's own or the kubeconfig context's. */
  readonly namespace?: string;
}

export interface ExecCredentials {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Unix epoch milliseconds; asked again after it. */
  readonly expiresAtMs?: number;
}

/** The credentials to use now. `tls` is the same object until one of its parts changes. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly tls: TlsCredentials;
}

export interface TlsCredentials {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface CredentialSource {
  current(): Promise<Credentials>;
  /** The server refused them: read again at once. Resolves with whether the authorization is another one now. */
  refresh(): Promise<boolean>;
}

const rereadMs = 60_000;

/** Reads credentials, again each minute where they come from files. A file that cannot be read keeps its last content. */
export function createCredentialSource(connection: Connection, clock: Clock): CredentialSource {
  let held: Credentials | undefined;
  let validUntil = 0;
  let reading: Promise<Credentials> | undefined;

  const content = async (text: string | undefined, file: string | undefined, last: string | undefined) => {
    if (text !== undefined || file === undefined) return text;
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      if (last !== undefined) return last;
      throw new Error(`cannot read the credentials file ${file}`, { cause: error });
    }
  };

  let lastToken: string | undefined;

  const read = async (): Promise<Credentials> => {
    const executed = await connection.exec?.();
    const token = executed?.token ?? (await content(connection.token, connection.tokenFile, lastToken))?.trim();
    lastToken = token;
    const ca = await content(connection.ca, connection.caFile, held?.tls.ca);
    const cert = executed?.cert ?? (await content(connection.cert, connection.certFile, held?.tls.cert));
    const key = executed?.key ?? (await content(connection.key, connection.keyFile, held?.tls.key));
    const tls: TlsCredentials = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
    const sameTls = held && held.tls.ca === tls.ca && held.tls.cert === tls.cert && held.tls.key === tls.key;
    held = { authorization: authorizationOf(connection, token), tls: sameTls ? held!.tls : tls };
    const expiresInMs =
      executed?.expiresAtMs === undefined ? Number.POSITIVE_INFINITY : executed.expiresAtMs - clock.now();
    const changes = connection.tokenFile ?? connection.caFile ?? connection.certFile ?? connection.keyFile;
    validUntil = clock.monotonic() + Math.min(changes ? rereadMs : Number.POSITIVE_INFINITY, expiresInMs);
    return held;
  };

  const readOnce = () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  return {
    current: async () => (held && clock.monotonic() < validUntil ? held : readOnce()),
    async refresh() {
      if (!connection.tokenFile && !connection.exec) return false;
      const before = held?.authorization;
      return (await readOnce()).authorization !== before;
    },
  };
}

function authorizationOf(connection: Connection, token: string | undefined): string | undefined {
  if (token) return `Bearer ${token}`;
  if (!connection.basic) return undefined;
  const { username, password } = connection.basic;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
