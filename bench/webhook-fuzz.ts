/**
 * Sends mutated AdmissionReviews to the webhook server for a while, over TLS, and tells whether it answered every one,
 * how fast, and how its memory went. Run: node --expose-gc bench/webhook-fuzz.ts [minutes] [seed]
 */
import { Agent, request as httpsRequest } from "node:https";
import { defaultServingConfig } from "../src/config/serving-config.ts";
import { systemClock } from "../src/lib/clock.ts";
import { createLogger } from "../src/lib/log.ts";
import { createAuthority, issueCertificate } from "../src/lib/x509.ts";
import { type Dice, dice, mutated, mutatedBytes } from "../src/testing/mutate.ts";
import { recordedReviews, type SentReview } from "../src/testing/reviews.ts";
import { admissionPaths } from "../src/webhook/admission.ts";
import { startWebhookServer } from "../src/webhook/server.ts";

const minutes = Number(process.argv[2] ?? 1);
const seed = Number(process.argv[3] ?? 1);
const parallel = 8;

const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 86_400_000 };
const authority = await createAuthority({ commonName: "fuzz", ...validity });
const issued = await issueCertificate(authority, {
  commonName: "webhook",
  dnsNames: ["webhook"],
  usages: ["server"],
  ...validity,
});
const stopping = new AbortController();
const server = await startWebhookServer({
  address: "127.0.0.1",
  port: 0,
  certificates: { current: () => ({ cert: issued.certificate, key: issued.key }), onChange: () => () => {} },
  paths: admissionPaths({ config: () => defaultServingConfig, createPodForTrial: async () => {} }),
  clock: systemClock,
  log: createLogger("webhook", "error"),
  drain: { quietMs: 0, longestMs: 0 },
  signal: stopping.signal,
});
const agent = new Agent({ ca: authority.certificate, servername: "webhook", keepAlive: true, maxSockets: parallel });

const statuses = new Map<number | string, number>();
const slowest = { ms: 0, body: "" };
const failures: string[] = [];

function send(path: string, contentType: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": contentType, "content-length": body.length };
    const request = httpsRequest(
      { host: "127.0.0.1", port: server.port, path, method: "POST", headers, agent },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      },
    );
    request.setTimeout(20_000, () => request.destroy(new Error("no answer within 20 s")));
    request.on("error", reject);
    request.end(body);
  });
}

function bodyFor(review: SentReview, rolls: Dice): Buffer {
  if (rolls.roll(500) === 0) return Buffer.from(`{"a":${"[".repeat(rolls.roll(2_000_000))}`);
  if (rolls.roll(500) === 0) return Buffer.alloc(rolls.roll(18_000_000), 0x20);
  const text = JSON.stringify(mutated(review.body, rolls));
  return rolls.roll(4) === 0 ? mutatedBytes(text, rolls) : Buffer.from(text);
}

async function work(reviews: readonly SentReview[], rolls: Dice, until: number): Promise<void> {
  while (Date.now() < until) {
    const review = rolls.pick(reviews);
    const body = bodyFor(review, rolls);
    const path = rolls.roll(50) === 0 ? `/${rolls.roll(1000)}` : review.path;
    const startedAt = performance.now();
    const answer = await send(path, rolls.roll(50) === 0 ? "text/plain" : "application/json", body).catch(
      (error: Error) => {
        // A body beyond the bounds is refused while it is being sent: the connection may break under the sender.
        if (body.length > 16 * 1024 * 1024) return "refused while sending";
        failures.push(`${error.message}: ${path} ${body.toString().slice(0, 500)}`);
        return error.message;
      },
    );
    const ms = performance.now() - startedAt;
    if (ms > slowest.ms) Object.assign(slowest, { ms, body: body.toString().slice(0, 300) });
    statuses.set(answer, (statuses.get(answer) ?? 0) + 1);
    if (answer === 500) failures.push(`500: ${path} ${body.toString().slice(0, 2000)}`);
  }
}

const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
const heap = () => {
  globalThis.gc?.();
  return mebibytes(process.memoryUsage().heapUsed);
};

const reviews = recordedReviews();
const rolls = dice(seed);
await work(reviews, rolls, Date.now() + 2000);
const heapBefore = heap();
const until = Date.now() + minutes * 60_000;
await Promise.all(Array.from({ length: parallel }, (_, index) => work(reviews, dice(seed + index + 1), until)));
const heapAfter = heap();

const answers = [...statuses.values()].reduce((sum, count) => sum + count, 0);
console.log(`${answers} reviews in ${minutes} min with seed ${seed}: ${JSON.stringify(Object.fromEntries(statuses))}`);
console.log(`slowest answer ${Math.round(slowest.ms)} ms: ${slowest.body.slice(0, 100)}`);
console.log(
  `heap ${heapBefore} MiB before, ${heapAfter} MiB after; largest resident size ${mebibytes(process.resourceUsage().maxRSS * 1024)} MiB`,
);
for (const failure of failures.slice(0, 5)) console.log(`FAILURE ${failure}`);

agent.destroy();
stopping.abort();
await server.done;
process.exitCode = failures.length === 0 && heapAfter < heapBefore + 32 ? 0 : 1;
