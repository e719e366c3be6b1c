/** One byte stream, as an adapter offers it. */
export interface Connection {
  /** Address and port of the peer, as `10.0.0.1:1234` or `[::1]:1234`. */
  readonly remoteAddress: string;
  readonly secure: boolean;
  /**
   * Sends bytes, be they lent (see ConnectionEvents) or the caller's, who must not touch them again. False: the peer is
   * slow; `drain` tells when to go on.
   */
  write(chunk: Uint8Array): boolean;
  /** Sends the first bytes of a buffer that the caller goes on using. */
  writeCopy(buffer: Uint8Array, length: number): boolean;
  /** Closes the writing side once everything written is sent; then calls `sent`, unless the connection is gone before. */
  end(sent: () => void): void;
  /** Closes at once and drops what is unsent. */
  destroy(): void;
  pause(): void;
  resume(): void;
}

/** What happens on a connection. After `close`, nothing more is called. */
export interface ConnectionEvents {
  /** Bytes arrived. They are lent until this returns: to be written on, but copied by whoever keeps them longer. */
  data(chunk: Uint8Array): void;
  drain(): void;
  /** The peer closed its writing side. */
  end(): void;
  close(error?: Error): void;
}

/** A TLS server's certificate chain and key, PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting; connections stay. Resolves once the port is free. */
  close(): Promise<void>;
  /** New TLS connections get this certificate. */
  setKeyPair(pair: KeyPair): void;
}

export interface ListenOptions {
  readonly address: string;
  readonly port: number;
  readonly tls?: KeyPair | undefined;
}

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** TLS without verification of the certificate, as probes do. */
  readonly tls?: { readonly serverName: string } | undefined;
}

/** Reads a text file anew. Rejects with an error that has Node's code, such as ENOENT. */
export type ReadFile = (path: string) => Promise<string>;

/** The sockets of a runtime. */
export interface Network {
  /** Rejects when the port cannot be bound. */
  listen(options: ListenOptions, accept: (connection: Connection) => ConnectionEvents): Promise<Listener>;
  /** `connected` is called once, or else `close` with the reason. The returned function gives the attempt up. */
  connect(
    options: ConnectOptions,
    connected: (connection: Connection) => ConnectionEvents,
    failed: (error: Error) => void,
  ): () => void;
}
