import type { TestContext } from "node:test";
import { defineKind, type ObjectOf } from "../apis/kind.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { Informer, Informers } from "../kube/api.ts";
import { createClient } from "../kube/client.ts";
import { createInformers, type InformersConfig } from "../kube/informer.ts";
import type { Clock } from "../lib/clock.ts";
import { silentLogger } from "../lib/log.ts";
import { type HostileServer, startHostileServer, summarize } from "./hostile-server.ts";

/** A kind that the hostile server serves. */
export const Thing = defineKind({
  group: "test.dev",
  version: "v1",
  kind: "Thing",
  plural: "things",
  description: "A thing.",
  properties: { data: { type: "string" } },
});
export type Thing = ObjectOf<typeof Thing>;

/** An informer of Things, and the server that it follows. */
export interface InformerSetup {
  readonly server: HostileServer;
  readonly informers: Informers;
  readonly things: Informer<Thing>;
  /** Tells the informer what the server answered to a write. */
  learn(object: KubeObject): void;
  /** Changes as "added a=1", "updated a=2", "deleted a=2". */
  readonly changes: string[];
  stop(): Promise<void>;
}

/** Starts an informer of Things against a hostile server that `prepare` has filled. */
export async function setUpInformer(
  clock: Clock,
  prepare: (server: HostileServer) => void,
  options: Partial<InformersConfig> & { timeoutMs?: number; areVersionsNumbers?: boolean } = {},
): Promise<InformerSetup> {
  const server = await startHostileServer(options);
  prepare(server);
  const stopping = new AbortController();
  const client = createClient({ connection: server.connection, clock, timeoutMs: options.timeoutMs ?? 5000 });
  const backoff = { baseMs: 1, maxMs: 5 };
  const base = { client, clock, log: silentLogger, signal: stopping.signal, backoff, pageSize: 3, freeze: true };
  const informers = createInformers({ ...base, ...options });
  const things = informers.of(Thing);
  const changes: string[] = [];
  things.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}=${object.data}`));
  return {
    server,
    informers,
    things,
    learn: (object) => informers.learn(Thing, object),
    changes,
    async stop() {
      stopping.abort();
      await informers.done();
      client.close();
      await server.stop();
    },
  };
}

/** Resolves once the cache equals the server's objects. */
export function agreement({ server, things }: Pick<InformerSetup, "server" | "things">): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (JSON.stringify(summarize(things.list())) !== JSON.stringify(summarize(server.objects()))) return;
      stop();
      resolve();
    };
    let stop = () => {};
    stop = things.onChange(() => queueMicrotask(check));
    check();
  });
}

/** The same for a test, at whose end everything stops. */
export async function startInformer(t: TestContext, ...args: Parameters<typeof setUpInformer>): Promise<InformerSetup> {
  const setup = await setUpInformer(...args);
  t.after(() => setup.stop());
  return setup;
}

/** Fills a server with a, b and c. */
export const withThree = (server: HostileServer) => {
  for (const name of ["a", "b", "c"]) server.put(name, "1");
};
