import { join } from "node:path";
import { root, type TestCluster } from "./cluster.ts";

const containerConcurrency = 20;

/**
 * Deploys the program in `steady/`, which takes the same time for each request however many there are, as a Service with
 * settings of the autoscaler (the names of their annotations without the group), and waits until it is ready.
 */
export async function deploySteady(
  { hakn, apply, kubectl }: TestCluster,
  service: string,
  requestTimeMs: number,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const program = join(root, "test/embedded/steady");
  const image = (await hakn("deploy", program, "--name", service, "--image-only")).trim();
  const annotations = Object.entries(settings).map(([name, value]) => [`autoscaling.knative.dev/${name}`, value]);
  await apply(
    JSON.stringify({
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name: service, namespace: "default" },
      spec: {
        template: {
          metadata: { annotations: Object.fromEntries(annotations) },
          spec: {
            containerConcurrency,
            containers: [{ image, env: [{ name: "REQUEST_TIME_MS", value: String(requestTimeMs) }] }],
          },
        },
      },
    }),
  );
  await kubectl("wait", `ksvc/${service}`, "--for=condition=Ready", "--timeout=60s");
}
