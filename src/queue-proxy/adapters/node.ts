import { readFile } from "node:fs/promises";
import net from "node:net";
import type tls from "node:tls";
import type { Connection, ConnectionEvents, Network, ReadFile } from "../transport.ts";

const keepAliveDelayMs = 5000;
/** As long as for a request's head; Bun tells of a connection before its handshake, so that there the head's limit holds. */
const handshakeTimeoutMs = 60_000;

export const readNodeFile: ReadFile = (path) => readFile(path, "utf8");

/** Sockets of node:net and node:tls. */
export const nodeNetwork: Network = {
  async listen({ address, port, tls: keyPair }, accept) {
    const onConnection = (socket: net.Socket) => {
      attach(socket, accept);
    };
    const options = { allowHalfOpen: true, noDelay: true };
    const server = keyPair
      ? loadTls().createServer(
          { ...options, ...keyPair, ...serverTls, handshakeTimeout: handshakeTimeoutMs },
          onConnection,
        )
      : net.createServer(options, onConnection);
    if (keyPair) server.on("tlsClientError", () => {});
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address, port, exclusive: true }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", () => {});
    return {
      port: (server.address() as net.AddressInfo).port,
      // Resolves once the port is free; connections may outlive it, so the server's own callback would come too late.
      close: () => {
        server.close();
        return Promise.resolve();
      },
      setKeyPair: (pair) => {
        if ("setSecureContext" in server) server.setSecureContext({ ...pair, ...serverTls });
      },
    };
  },
  connect({ host, port, tls: secure }, connected, failed) {
    let settled = false;
    const options = {
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    };
    const socket = secure
      ? loadTls().connect({
          ...options,
          servername: net.isIP(secure.serverName) ? "" : secure.serverName,
          rejectUnauthorized: false,
        })
      : net.connect(options);
    const fail = (error: Error) => {
      if (settled) return;
      settled = true;
      failed(error);
    };
    socket.once("error", fail);
    socket.once("close", () => fail(new Error("EOF")));
    socket.once(secure ? "secureConnect" : "connect", () => {
      if (settled) return;
      settled = true;
      socket.off("error", fail);
      attach(socket, connected);
    });
    return () => {
      if (settled) return;
      settled = true;
      socket.destroy();
    };
  },
};

/** Loaded when it is needed: most pods have no certificate. */
function loadTls(): typeof tls {
  return process.getBuiltinModule("node:tls");
}

/** TLS 1.3 alone; must be repeated at every change of the certificate, or older versions come back. */
const serverTls = { minVersion: "TLSv1.3", ALPNProtocols: ["h2", "http/1.1"] } as const;

function attach(socket: net.Socket, accept: (connection: Connection) => ConnectionEvents): void {
  const address = socket.remoteAddress ?? "";
  const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
  const connection: Connection = {
    remoteAddress: plain.includes(":") ? `[${plain}]:${socket.remotePort}` : `${plain}:${socket.remotePort}`,
    secure: "encrypted" in socket,
    write: (chunk) => socket.write(chunk),
    writeCopy: (buffer, length) => socket.write(Buffer.from(buffer.subarray(0, length))),
    end: (sent) => {
      socket.end(sent);
    },
    destroy: () => {
      socket.destroy();
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
  };
  let failure: Error | undefined;
  const events = accept(connection);
  socket.on("data", (chunk) => events.data(chunk));
  socket.on("drain", () => events.drain());
  socket.on("end", () => events.end());
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("close", () => events.close(failure));
}
