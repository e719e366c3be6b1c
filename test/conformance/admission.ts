/**
 * Sends the same AdmissionReviews, mutated from the recorded ones, to our webhooks and to upstream's own program, and
 * tells how many answers are equal: whether it is allowed, the message, the warnings, and the object after the patch.
 * Needs Go, which builds knative.dev/serving/cmd/webhook v0.42.2. Run: node test/conformance/admission.ts [number] [seed]
 */
import { isDeepStrictEqual } from "node:util";
import fastJsonPatch, { type Operation } from "fast-json-patch";
import { createWebhookCaller, type WebhookCaller } from "../../bench/webhook/caller.ts";
import { startUpstreamWebhook } from "../../bench/webhook/upstream.ts";
import { parseServingConfig } from "../../src/config/serving-config.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";
import { createAuthority, issueCertificate } from "../../src/lib/x509.ts";
import { dice, mutated } from "../../src/testing/mutate.ts";
import { recordedReviews, type SentReview } from "../../src/testing/reviews.ts";
import { admissionPaths } from "../../src/webhook/admission.ts";
import { startWebhookServer } from "../../src/webhook/server.ts";
import { buildWebhook } from "./go-build.ts";

const [, , number = "2000", seed = "1"] = process.argv;
const shownDifferences = 20;
/** What the programs insist on; no dry run, for which upstream asks an API server. */
const configMaps = {
  "config-autoscaler": {},
  "config-defaults": {},
  "config-deployment": { "queue-sidecar-image": "queue" },
  "config-domain": {},
  "config-features": { "kubernetes.podspec-dryrun": "disabled" },
  "config-gc": {},
  "config-leader-election": {},
  "config-logging": { "loglevel.webhook": "error" },
  "config-network": {},
  "config-observability": {},
  "config-tracing": {},
};

const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 6 * 86_400_000 };
const signer = await createAuthority({ commonName: "compare", ...validity });
const { certificate, key } = await issueCertificate(signer, {
  commonName: "webhook",
  dnsNames: ["webhook"],
  usages: ["server"],
  ...validity,
});
const authority = signer.certificate;
const stopping = new AbortController();
const config = parseServingConfig(configMaps);
const server = await startWebhookServer({
  address: "127.0.0.1",
  port: 0,
  certificates: { current: () => ({ cert: certificate, key }), onChange: () => () => {} },
  // Since its CRDs have schemas, upstream's webhook takes unknown fields, which the API server has pruned.
  paths: admissionPaths({ config: () => config, createPodForTrial: async () => {}, refuseUnknownFields: false }),
  clock: systemClock,
  log: silentLogger,
  drain: { quietMs: 0, longestMs: 0 },
  signal: stopping.signal,
});
const upstream = await startUpstreamWebhook(await buildWebhook(), configMaps, { certificate, key, authority });
const callers = {
  ours: createWebhookCaller(server.port, authority, 1),
  upstream: createWebhookCaller(upstream.port, authority, 1),
};

const rolls = dice(Number(seed));
const reviews = recordedReviews();
const counts = { equal: 0, different: 0, unanswered: 0 };
try {
  const { path, body } = reviews.find((review) => review.path === "/config-validation")!;
  await callers.upstream.untilAccepted(path, Buffer.from(JSON.stringify(body)));
  for (let sent = 0; sent < Number(number); sent++) await compare(rolls.pick(reviews));
} finally {
  for (const caller of Object.values(callers)) caller.close();
  await upstream.stop();
  stopping.abort();
  await server.done;
}
const answered = counts.equal + counts.different;
console.log(
  `${counts.equal} of ${answered} answers are equal (${((100 * counts.equal) / answered).toFixed(2)} %) with seed ${seed}; ${counts.unanswered} that upstream does not answer`,
);

async function compare({ path, body }: SentReview): Promise<void> {
  const recorded = body.request["object"];
  const object =
    rolls.roll(4) === 0 ? recorded : path === "/config-validation" ? mutatedData(recorded) : mutated(recorded, rolls);
  const review = { ...body, request: { ...body.request, object } };
  const theirs = await answerOf(callers.upstream, path, review);
  if (theirs === undefined) {
    counts.unanswered++;
    return;
  }
  const ours = await answerOf(callers.ours, path, review);
  if (isDeepStrictEqual(ours, theirs)) {
    counts.equal++;
    return;
  }
  if (counts.different++ < shownDifferences) {
    console.log(`${path} ${JSON.stringify(object).slice(0, 600)}`);
    console.log(`  upstream ${JSON.stringify(theirs).slice(0, 600)}\n  ours     ${JSON.stringify(ours).slice(0, 600)}`);
  }
}

/** ConfigMaps reach no webhook but in the form that the API server gives them. */
function mutatedData(configMap: unknown): unknown {
  const { data = {}, ...rest } = configMap as { readonly data?: object | null };
  const changed = Object.entries((mutated(data ?? {}, rolls) ?? {}) as object).filter(
    ([, value]) => typeof value === "string",
  );
  return { ...rest, data: Object.fromEntries(changed) };
}

/** What counts of an answer; undefined where none came: upstream has crashed on the request. */
async function answerOf(caller: WebhookCaller, path: string, review: SentReview["body"]): Promise<unknown> {
  const text = await caller.call(path, Buffer.from(JSON.stringify(review))).catch(() => "");
  if (!text.startsWith("{")) return text === "" ? undefined : text.replace(/:.*/s, "");
  const { allowed, status, warnings, patch } = JSON.parse(text).response;
  // Upstream's patch may be the word null.
  const operations = (patch && JSON.parse(Buffer.from(patch, "base64").toString())) as Operation[] | null | undefined;
  const object = structuredClone(review.request["object"]);
  return essence({
    allowed,
    message: status?.message,
    warnings,
    ...(allowed && { object: fastJsonPatch.applyPatch(object, operations ?? [], false, true, false).newDocument }),
  });
}

/** Without lists, maps and nulls that hold nothing, the wording of Go's JSON decoder, and addresses in memory. */
function essence(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/json: .*$/s, "json: …").replace(/0xc[0-9a-f]{9}/g, "0xADDR");
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value !== "object" || value === null) return value;
  const parts = Object.entries(value).map(([name, part]) => [name, essence(part)] as const);
  return Object.fromEntries(parts.filter(([, part]) => !isNothing(part)));
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
}
