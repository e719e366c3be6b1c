import { createServer } from "node:net";

/** A port that the cluster was told to use is taken. */
export class PortTakenError extends Error {}

/** Rejects with PortTakenError when `port` of `address` cannot be listened on. `option` is how to choose another. */
export async function requirePort(address: string, port: number, purpose: string, option: string): Promise<void> {
  const code = await probe(address, port);
  if (code === undefined) return;
  const reason = code === "EACCES" ? "needs more rights" : "is already taken";
  throw new PortTakenError(
    `port ${port} of ${address}, for ${purpose}, ${reason} (${code}): stop what uses it, or choose another with ${option}`,
  );
}

/** `preferred` if it is free, else any free port. */
export async function freePort(address: string, preferred: number | undefined): Promise<number> {
  if (preferred !== undefined && (await probe(address, preferred)) === undefined) return preferred;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => {
      const found = server.address();
      server.close(() => resolve(typeof found === "object" && found ? found.port : 0));
    });
  });
}

/** Whether addresses of 127.0.0.0/8 beside 127.0.0.1 can be listened on: so it is on Linux, but not on macOS. */
export async function hasManyLoopbackAddresses(): Promise<boolean> {
  return (await probe("127.250.254.253", 0)) !== "EADDRNOTAVAIL";
}

function probe(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen(port, address, () => server.close(() => resolve(undefined)));
  });
}
