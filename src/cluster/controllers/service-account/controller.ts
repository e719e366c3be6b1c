import { ConfigMap } from "../../../apis/core/configmap.ts";
import { Namespace } from "../../../apis/core/namespace.ts";
import { ServiceAccount } from "../../../apis/core/serviceaccount.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import type { Writer } from "../../../kube/api.ts";
import { watching } from "../../../kube/controller.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../../kube/errors.ts";
import type { BuiltinContext } from "../context.ts";
import { type KeyedWorker, startKeyedWorker } from "../keyed-worker.ts";

const rootCa = "kube-root-ca.crt";

/** Gives every namespace what its pods need: the service account "default" and the API server's authority. */
export function startServiceAccountController(context: BuiltinContext): KeyedWorker {
  const { client, informers, signal, caCertificate } = context;
  const namespaces = informers.of(Namespace);
  const accounts = informers.of(ServiceAccount, { fieldSelector: "metadata.name=default" });
  const authorities = informers.of(ConfigMap, { fieldSelector: `metadata.name=${rootCa}` });
  const ofNamespace = ({ metadata }: KubeObject) => [metadata.namespace ?? ""];
  const watches = [
    watching(namespaces, ({ metadata }) => [metadata.name]),
    watching(accounts, ofNamespace),
    watching(authorities, ofNamespace),
  ];

  const create = async <T extends KubeObject>(resource: Writer<T>, object: T): Promise<void> => {
    await resource.create(object, { signal }).catch((error) => {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isNotFound(error)) throw error;
    });
  };

  return startKeyedWorker(context, "serviceaccount-controller", watches, async (namespace) => {
    const found = namespaces.get({ name: namespace });
    if (!found || found.metadata.deletionTimestamp) return;
    if (!accounts.get({ name: "default", namespace })) {
      const metadata = { name: "default", namespace };
      await create(client.of(ServiceAccount), { apiVersion: "v1", kind: "ServiceAccount", metadata });
    }
    const data = { "ca.crt": caCertificate };
    const authority = authorities.get({ name: rootCa, namespace });
    const description = "The authority by which programs in pods know the API server. Kept by the cluster.";
    if (!authority) {
      const metadata = { name: rootCa, namespace, annotations: { "kubernetes.io/description": description } };
      await create(client.of(ConfigMap), { apiVersion: "v1", kind: "ConfigMap", metadata, data });
    } else if (authority.data?.["ca.crt"] !== caCertificate) {
      await client.of(ConfigMap).patch({ name: rootCa, namespace }, { type: "merge", body: { data } }, { signal });
    }
  });
}
