import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { ResourceQuota } from "../../../apis/core/resourcequota.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import { openStorage, type Storage } from "../storage.ts";
import { withQuotas } from "./charge.ts";

describe("a quota's status follows its namespace, write by write", () => {
  let directory: string;
  let storage: Storage;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hakn-quota-"));
    storage = withQuotas(openStorage(join(directory, "cluster.db")));
  });

  afterEach(() => {
    storage.close();
    rmSync(directory, { recursive: true });
  });

  const put = (resource: string, object: object) => storage.write((tx) => tx.put(resource, object as KubeObject));
  const remove = (resource: string, name: string) => storage.write((tx) => tx.remove(resource, "n", name));
  const statusOf = () => (storage.get("resourcequotas", "n", "q")!.object as ResourceQuota).status;
  const quota = (hard: Record<string, string>) => ({ metadata: { namespace: "n", name: "q" }, spec: { hard } });
  const pod = (name: string, cpu: string, phase = "Pending", namespace = "n") => ({
    metadata: { namespace, name },
    spec: { containers: [{ name: "c", resources: { requests: { cpu } } }] },
    status: { phase },
  });

  test("what was there before the quota counts, and may be more than is allowed", async () => {
    await put("pods", pod("a", "400m"));
    await put("pods", pod("b", "400m"));
    await put("resourcequotas", quota({ cpu: "500m", pods: "5" }));
    assert.deepEqual(statusOf(), { hard: { cpu: "500m", pods: "5" }, used: { cpu: "800m", pods: "2" } });
    await put("pods", { ...pod("a", "400m"), metadata: { namespace: "n", name: "a", labels: { x: "y" } } });
    await assert.rejects(put("pods", pod("c", "1m")), /requested: cpu=1m, used: cpu=800m, limited: cpu=500m/);
  });

  test("a pod that goes or ends gives back what it took", async () => {
    await put("resourcequotas", quota({ cpu: "1", pods: "2", "count/pods": "9" }));
    await put("pods", pod("a", "600m"));
    await put("pods", pod("b", "400m"));
    await put("pods", pod("a", "600m", "Succeeded"));
    assert.deepEqual(statusOf()?.used, { cpu: "400m", pods: "1", "count/pods": "2" });
    await remove("pods", "b");
    assert.deepEqual(statusOf()?.used, { cpu: "0", pods: "0", "count/pods": "1" });
  });

  test("of two that come at once and do not both fit, one is refused and leaves no trace", async () => {
    await put("resourcequotas", quota({ cpu: "1" }));
    const outcomes = await Promise.allSettled([put("pods", pod("a", "600m")), put("pods", pod("b", "600m"))]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    assert.equal(storage.get("pods", "n", "b"), undefined);
    assert.deepEqual(statusOf()?.used, { cpu: "600m" });
  });

  test("a new limit counts at once; other namespaces do not", async () => {
    await put("resourcequotas", quota({ cpu: "1" }));
    await put("pods", pod("elsewhere", "5", "Running", "m"));
    await put("resourcequotas", quota({ cpu: "100m", resourcequotas: "1" }));
    assert.deepEqual(statusOf(), {
      hard: { cpu: "100m", resourcequotas: "1" },
      used: { cpu: "0", resourcequotas: "1" },
    });
    const second = { metadata: { namespace: "n", name: "other" }, spec: {} };
    await assert.rejects(put("resourcequotas", second), /exceeded quota: q, requested: resourcequotas=1/);
  });

  test("a pod takes what its containers and sidecars do, or its hungriest start", async () => {
    await put(
      "resourcequotas",
      quota({ "requests.cpu": "9", "limits.memory": "9Gi", "requests.example.com/gpu": "3" }),
    );
    const resources = (cpu: string, memory: string) => ({ requests: { cpu }, limits: { memory } });
    await put("pods", {
      metadata: { namespace: "n", name: "a" },
      spec: {
        initContainers: [
          { name: "sidecar", restartPolicy: "Always", resources: resources("100m", "1Gi") },
          { name: "migration", resources: resources("2", "512Mi") },
        ],
        containers: [
          { name: "c", resources: { requests: { cpu: "500m", "example.com/gpu": "2" }, limits: { memory: "1Gi" } } },
        ],
        overhead: { cpu: "50m" },
      },
    });
    assert.deepEqual(statusOf()?.used, {
      "requests.cpu": "2150m",
      "limits.memory": "2Gi",
      "requests.example.com/gpu": "2",
    });
  });
});
