import type { Behaviour } from "../resource.ts";
import * as objects from "./cluster-objects.ts";
import { configMap, secret } from "./configuration.ts";
import { customResourceDefinition } from "./definitions.ts";
import { pod } from "./pods.ts";
import { resourceQuota } from "./resource-quota.ts";
import { service } from "./services.ts";
import { deployment, replicaSet, statefulSet } from "./workloads.ts";

/** What the server does for each built-in kind beyond storing it, by storage key. */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  configmaps: configMap,
  endpoints: objects.endpoints,
  events: objects.event,
  namespaces: objects.namespace,
  nodes: objects.node,
  persistentvolumeclaims: objects.persistentVolumeClaim,
  persistentvolumes: objects.persistentVolume,
  pods: pod,
  resourcequotas: resourceQuota,
  secrets: secret,
  services: service,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": objects.webhookConfiguration(true),
  "admissionregistration.k8s.io/validatingwebhookconfigurations": objects.webhookConfiguration(false),
  "apiextensions.k8s.io/customresourcedefinitions": customResourceDefinition,
  "apps/deployments": deployment,
  "apps/replicasets": replicaSet,
  "apps/statefulsets": statefulSet,
  "autoscaling/horizontalpodautoscalers": objects.horizontalPodAutoscaler,
  "coordination.k8s.io/leases": objects.lease,
  "discovery.k8s.io/endpointslices": objects.endpointSlice,
  "policy/poddisruptionbudgets": objects.podDisruptionBudget,
  "rbac.authorization.k8s.io/clusterrolebindings": objects.roleBinding,
  "rbac.authorization.k8s.io/clusterroles": objects.role,
  "rbac.authorization.k8s.io/rolebindings": objects.roleBinding,
  "rbac.authorization.k8s.io/roles": objects.role,
  "storage.k8s.io/storageclasses": objects.storageClass,
};
