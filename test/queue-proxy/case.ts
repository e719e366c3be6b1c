import type { Subject } from "./subject.ts";
import { RawBackend, RawClient, type WireMessage } from "./wire.ts";

/** What a case has at hand. */
export interface Scene {
  readonly subject: Subject;
  readonly backend: RawBackend;
  /** Opens a connection to the main port (or another); it is closed after the case. */
  connect(port?: number): RawClient;
  /** Sends raw bytes on a new connection and reads one answer. */
  exchange(text: string, port?: number): Promise<WireMessage>;
}

/** One behaviour. */
export interface Case {
  readonly name: string;
  readonly run: (scene: Scene) => Promise<void>;
  /** Upstream does something else: what, and why ours is right. The case then states ours. */
  readonly differs?: string;
  /** What upstream does depends on its timing: it may pass or fail. */
  readonly unsteady?: string;
}

/** Cases that share one environment. */
export interface Suite {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

/** Starts the subject of a suite and its container, hands out scenes, and cleans up. */
export async function openSuite(
  suite: Suite,
  start: (environment: Record<string, string>, port: number) => Promise<Subject>,
) {
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
