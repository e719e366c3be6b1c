import { Agent, request } from "node:http";

/** One answered or failed request; times in milliseconds since the load began, the latency from when it was due. */
export interface Sent {
  readonly dueMs: number;
  readonly latencyMs: number;
  readonly failure: string | undefined;
}

export interface OpenLoad {
  readonly port: number;
  readonly host: string;
  /** Requests per second at a time since the beginning. */
  readonly rate: (atMs: number) => number;
}

const longestAnswerMs = 15_000;
const mostUnderWay = 2000;

/**
 * Sends requests at the times that a rate asks for, whatever the answers take. `stop` waits for the answers under way.
 * A request that cannot be sent, since too many are under way, counts as failed.
 */
export function startOpenLoad({ port, host, rate }: OpenLoad): { readonly sent: Sent[]; stop(): Promise<void> } {
  const agent = new Agent({ keepAlive: true });
  const sent: Sent[] = [];
  const underWay = new Set<Promise<void>>();
  const begunAt = performance.now();
  let due = 0;
  let doneMs = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now() - begunAt;
    for (; doneMs < nowMs; doneMs++) {
      due += rate(doneMs) / 1000;
      if (due < 1) continue;
      due -= 1;
      const dueMs = doneMs;
      if (underWay.size >= mostUnderWay) {
        sent.push({ dueMs, latencyMs: 0, failure: "too many requests are under way" });
        continue;
      }
      const one = send(agent, port, host).then((failure) => {
        sent.push({ dueMs, latencyMs: performance.now() - begunAt - dueMs, failure });
        underWay.delete(one);
      });
      underWay.add(one);
    }
  }, 2);
  return {
    sent,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      agent.destroy();
    },
  };
}

function send(agent: Agent, port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const outgoing = request(
      { agent, host: "127.0.0.1", port, headers: { host }, signal: AbortSignal.timeout(longestAnswerMs) },
      (response) => {
        response.on("error", (error) => resolve(error.message));
        response.on("end", () => resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode}`));
        response.resume();
      },
    );
    outgoing.on("error", (error) => resolve(error.message));
    outgoing.end();
  });
}
