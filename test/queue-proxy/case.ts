import type { StartSubject, Subject } from "./subject.ts";
import { RawBackend, RawClient, type WireMessage } from "./wire.ts";

/** One behaviour, as it is reported. */
export interface NamedCase {
  readonly name: string;
  /** Upstream does something else: what, and why ours is right. The case then states ours. */
  readonly differs?: string;
  /** What upstream does depends on its timing: it may pass or fail. */
  readonly unsteady?: string;
}

/** Cases that share a queue-proxy and its container. */
export interface Group<C extends NamedCase = NamedCase> {
  readonly name: string;
  readonly cases: readonly C[];
  /** Starts the subject and the container. */
  open(start: StartSubject): Promise<{ run(one: C): Promise<void>; close(): Promise<void> }>;
}

/** What a case has at hand. */
export interface Scene {
  readonly subject: Subject;
  readonly backend: RawBackend;
  /** Opens a connection to the main port (or another); it is closed after the case. */
  connect(port?: number): RawClient;
  /** Sends raw bytes on a new connection and reads one answer. */
  exchange(text: string, port?: number): Promise<WireMessage>;
}

/** One behaviour, by raw bytes. */
export interface Case extends NamedCase {
  readonly run: (scene: Scene) => Promise<void>;
}

/** Cases that share one environment. */
export interface Suite {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

/** A suite with a container that is told what to say, byte by byte. */
export function rawGroup(suite: Suite): Group<Case> {
  return { name: suite.name, cases: suite.cases, open: (start) => openSuite(suite, start) };
}

async function openSuite(suite: Suite, start: StartSubject) {
  const backend = new RawBackend();
  const port = await backend.listen();
  // PORT in a value stands for the container's port.
  const environment = Object.entries(suite.environment).map(([key, value]) => [
    key,
    value.replaceAll("PORT", String(port)),
  ]);
  const subject = await start(Object.fromEntries(environment), port);
  return {
    async run(one: Case): Promise<void> {
      const clients: RawClient[] = [];
      const connect = (port = subject.ports.main) => {
        const client = new RawClient(port);
        clients.push(client);
        return client;
      };
      backend.reset();
      try {
        await one.run({
          subject,
          backend,
          connect,
          async exchange(text, port) {
            const client = connect(port);
            client.send(text);
            return client.message(/^HEAD /.test(text));
          },
        });
      } finally {
        for (const client of clients) client.destroy();
      }
    },
    async close() {
      await subject.stop();
      await backend.close();
    },
  };
}
