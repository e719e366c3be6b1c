import { parseServingConfig } from "../../src/config/serving-config.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";
import { admissionPaths } from "../../src/webhook/admission.ts";
import { startWebhookServer } from "../../src/webhook/server.ts";

// The webhook server alone in a process, so that only it is measured. Started by bench/webhook.ts.

const [, , certificate, key, configMaps] = process.argv as unknown as [string, string, string, string, string];
const config = parseServingConfig(JSON.parse(configMaps));
const server = await startWebhookServer({
  address: "127.0.0.1",
  port: 0,
  certificates: { current: () => ({ cert: certificate, key }), onChange: () => () => {} },
  paths: admissionPaths({ config: () => config, createPodForTrial: async () => {} }),
  clock: systemClock,
  log: silentLogger,
  signal: new AbortController().signal,
});
process.send?.(server.port);
