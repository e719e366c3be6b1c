import type { PodSpec } from "../../apis/core/pod-spec.ts";
import type { ServiceAccount } from "../../apis/core/serviceaccount.ts";
import type { AdmissionStep } from "./admission.ts";
import { generateName } from "./names.ts";
import { forbidden } from "./status-errors.ts";
import type { StorageReader } from "./storage.ts";
import { cloneJson } from "./typed-values.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const tokenSeconds = 3607;

/**
 * Gives every pod a service account ("default" unless told) and mounts its token, the cluster's authority and the
 * namespace into each container. Source: k8s.io/kubernetes plugin/pkg/admission/serviceaccount.
 */
export function serviceAccountAdmission(storage: StorageReader): AdmissionStep {
  return {
    mutate({ operation, resource, subresource, namespace, name, object }) {
      if (operation !== "CREATE" || resource.key !== "pods" || subresource !== "" || !object) return object;
      if (object.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return object;
      const changed = cloneJson(object);
      const spec = changed.spec as unknown as PodSpec;
      spec.serviceAccountName ||= spec.serviceAccount || "default";
      spec.serviceAccount = spec.serviceAccountName;
      const account = storage.get("serviceaccounts", namespace, spec.serviceAccountName)?.object as
        | ServiceAccount
        | undefined;
      if (!account) {
        const missing = `error looking up service account ${namespace}/${spec.serviceAccountName}: serviceaccount "${spec.serviceAccountName}" not found`;
        throw forbidden({ group: "", resource: "pods" }, name, missing);
      }
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec.imagePullSecrets = account.imagePullSecrets.map((secret) => ({ ...secret }));
      }
      const mounts = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
      if (mounts) mountToken(spec);
      return changed;
    },
  };
}

function mountToken(spec: PodSpec): void {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const lacking = containers.filter(
    ({ volumeMounts = [] }) => !volumeMounts.some((mount) => mount.mountPath === mountPath),
  );
  if (lacking.length === 0) return;
  const name = generateName("kube-api-access-");
  for (const container of lacking) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
  }
  spec.volumes = [
    ...(spec.volumes ?? []),
    {
      name,
      projected: {
        defaultMode: 0o644,
        sources: [
          { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          {
            downwardAPI: {
              items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
            },
          },
        ],
      },
    },
  ];
}
