import { Agent, request as httpsRequest } from "node:https";
import { systemClock } from "../../src/lib/clock.ts";

/** Calls a webhook as the API server does. */
export interface WebhookCaller {
  /** Resolves with the body of the answer. */
  call(path: string, body: Buffer): Promise<string>;
  /** Resolves once this is answered and accepted; rejects after 20 s. */
  untilAccepted(path: string, body: Buffer): Promise<void>;
  close(): void;
}

export function createWebhookCaller(port: number, ca: string, connections: number): WebhookCaller {
  const agent = new Agent({ ca, servername: "webhook", keepAlive: true, maxSockets: connections });
  const call = (path: string, body: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": body.length };
      const request = httpsRequest({ host: "127.0.0.1", port, path, method: "POST", headers, agent }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(text));
      });
      request.on("error", reject);
      request.end(body);
    });
  return {
    call,
    async untilAccepted(path, body) {
      for (let attempt = 0; ; attempt++) {
        const answer = await call(path, body).catch((error: Error) => error);
        if (typeof answer === "string" && JSON.parse(answer).response?.allowed) return;
        if (attempt > 100) throw new Error(`port ${port} does not answer: ${answer}`);
        await systemClock.sleep(200);
      }
    },
    close: () => agent.destroy(),
  };
}
