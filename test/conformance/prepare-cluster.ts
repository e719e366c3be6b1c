import type { TestCluster } from "../embedded/cluster.ts";
import type { Suite } from "./suites.ts";

const system = "knative-serving";

/**
 * What the suites look up in a cluster, beyond the product: their namespaces, a quota, a ConfigMap and a Secret, and the
 * gateway's Service, whose node ports are where the gateway listens. The configuration is that of hakn 1.12.2's own CI.
 */
export async function prepareCluster(cluster: TestCluster, httpPort: number, httpsPort: number): Promise<void> {
  const items = [
    ...["serving-tests", "serving-tests-alt", "rq-test", "tls"].map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    })),
    {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "rq-e2e-test", namespace: "rq-test" },
      spec: { hard: { cpu: "50m" } },
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "conformance-test-configmap", namespace: "serving-tests" },
      data: { testKey: "testValue" },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "conformance-test-secret", namespace: "serving-tests" },
      stringData: { testKey: "testValue" },
    },
  ];
  await cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const ports = [
    { name: "http2", port: 80, targetPort: 80, nodePort: httpPort },
    { name: "https", port: 443, targetPort: 443, nodePort: httpsPort },
  ];
  await patch(cluster, "istio-system", "service/istio-ingressgateway", { spec: { type: "NodePort", ports } });
  await setConfig(cluster, "config-domain", { localhost: null, "example.com": "" });
  await setConfig(cluster, "config-deployment", { "progress-deadline": "120s" });
  await setConfig(cluster, "config-autoscaler", { "min-scale": "1", "target-burst-capacity": "0" });
}

/** Runs `action` while the suite's own configuration is in place. */
export async function withConfigOf<T>(cluster: TestCluster, suite: Suite, action: () => Promise<T>): Promise<T> {
  const entries = Object.entries(suite.config ?? {});
  const before = await Promise.all(entries.map(([name]) => readConfig(cluster, name)));
  for (const [name, data] of entries) await setConfig(cluster, name, data);
  try {
    return await action();
  } finally {
    for (const [index, [name, data]] of entries.entries()) {
      const restored = Object.keys(data).map((key) => [key, before[index]?.[key] ?? null]);
      await setConfig(cluster, name, Object.fromEntries(restored));
    }
  }
}

async function readConfig(cluster: TestCluster, name: string): Promise<Record<string, string>> {
  return JSON.parse(await cluster.kubectl("-n", system, "get", "configmap", name, "-o", "json")).data ?? {};
}

function setConfig(cluster: TestCluster, name: string, data: Record<string, string | null>): Promise<unknown> {
  return patch(cluster, system, `configmap/${name}`, { data });
}

function patch(cluster: TestCluster, namespace: string, target: string, body: unknown): Promise<unknown> {
  return cluster.kubectl("-n", namespace, "patch", target, "--type=merge", "-p", JSON.stringify(body));
}
