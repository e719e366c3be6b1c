import { isoTime } from "../../lib/iso-time.ts";
import type { AdmissionStep } from "./admission.ts";
import type { Api } from "./call.ts";
import type { Item } from "./resource.ts";
import { forbidden, modifiedMeanwhile, notFound } from "./status-errors.ts";
import type { StorageReader } from "./storage.ts";
import { cloneJson } from "./typed-values.ts";
import { isFinished } from "./write.ts";

const target = { group: "", resource: "namespaces" };

/** These hold the cluster together and are not deleted. */
const immortal = new Set(["default", "kube-system", "kube-public"]);

/**
 * Nothing is created in a namespace that is missing (404) or being deleted (403); default and kube-system stay.
 * Source: k8s.io/apiserver admission/plugin/namespace/lifecycle.
 */
export function namespaceLifecycle(storage: StorageReader): AdmissionStep {
  return {
    // Before anything else changes or sees the object.
    mutate({ operation, resource, namespace, name, object }) {
      if (operation === "DELETE" && resource.key === "namespaces" && immortal.has(name)) {
        throw forbidden(target, name, "this namespace may not be deleted");
      }
      if (operation !== "CREATE" || !resource.namespaced) return object;
      const entry = storage.get("namespaces", "", namespace);
      if (!entry) throw notFound(target, namespace);
      if (!entry.object.metadata.deletionTimestamp) return object;
      const error = forbidden(
        { group: resource.group, resource: resource.plural },
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
      error.status.details = {
        ...error.status.details,
        causes: [
          {
            reason: "NamespaceTerminating",
            message: `namespace ${namespace} is being terminated`,
            field: "metadata.namespace",
          },
        ],
      };
      throw error;
    },
  };
}

/** Replaces a namespace's spec.finalizers; the namespace goes when it is deleted and nothing holds it any longer. */
export async function finalizeNamespace(api: Api, name: string, sent: Item): Promise<Item> {
  const resource = api.registry.stored("namespaces")!;
  const entry = await api.storage.write((transaction) => {
    const current = transaction.get("namespaces", "", name);
    if (!current) throw notFound(target, name);
    const given = sent.metadata.resourceVersion;
    if (given && given !== String(current.revision)) throw modifiedMeanwhile(target, name);
    const item = cloneJson(current.object) as Item;
    const finalizers = sent.spec?.["finalizers"];
    item.spec = { ...item.spec, ...(Array.isArray(finalizers) ? { finalizers } : {}) };
    if (!Array.isArray(finalizers) || finalizers.length === 0) delete item.spec["finalizers"];
    return isFinished(resource, item)
      ? transaction.remove("namespaces", "", name)
      : transaction.put("namespaces", item);
  });
  return entry.object as Item;
}

const systemNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** Creates the namespaces that every cluster has, where they are missing. */
export async function ensureNamespaces(api: Api, uid: () => string): Promise<void> {
  await api.storage.write((transaction) => {
    for (const name of systemNamespaces) {
      if (transaction.get("namespaces", "", name)) continue;
      transaction.put("namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: {
          name,
          uid: uid(),
          creationTimestamp: isoTime(api.clock.now()),
          labels: { "kubernetes.io/metadata.name": name },
        },
        spec: { finalizers: ["kubernetes"] },
        status: { phase: "Active" },
      } as Item);
    }
  });
}
