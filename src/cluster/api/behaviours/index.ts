import type { Behaviour } from "../resource.ts";
import * as objects from "./cluster-objects.ts";
import { configMap, secret } from "./configuration.ts";
import { customResourceDefinition } from "./definitions.ts";
import { endpointSlice, endpoints } from "./endpoints.ts";
import { persistentVolume, persistentVolumeClaim, storageClass } from "./persistent-volumes.ts";
import { pod } from "./pods.ts";
import { role, roleBinding } from "./rbac.ts";
import { resourceQuota } from "./resource-quota.ts";
import { service } from "./services.ts";
import { webhookConfiguration } from "./webhook-configurations.ts";
import { deployment, replicaSet, statefulSet } from "./workloads.ts";

/** What the server does for each built-in kind beyond storing it, by storage key. */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  configmaps: configMap,
  endpoints,
  events: objects.event,
  namespaces: objects.namespace,
  nodes: objects.node,
  persistentvolumeclaims: persistentVolumeClaim,
  persistentvolumes: persistentVolume,
  pods: pod,
  resourcequotas: resourceQuota,
  secrets: secret,
  services: service,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": webhookConfiguration(true),
  "admissionregistration.k8s.io/validatingwebhookconfigurations": webhookConfiguration(false),
  "apiextensions.k8s.io/customresourcedefinitions": customResourceDefinition,
  "apps/deployments": deployment,
  "apps/replicasets": replicaSet,
  "apps/statefulsets": statefulSet,
  "autoscaling/horizontalpodautoscalers": objects.horizontalPodAutoscaler,
  "coordination.k8s.io/leases": objects.lease,
  "discovery.k8s.io/endpointslices": endpointSlice,
  "policy/poddisruptionbudgets": objects.podDisruptionBudget,
  "rbac.authorization.k8s.io/clusterrolebindings": roleBinding,
  "rbac.authorization.k8s.io/clusterroles": role,
  "rbac.authorization.k8s.io/rolebindings": roleBinding,
  "rbac.authorization.k8s.io/roles": role,
  "storage.k8s.io/storageclasses": storageClass,
};
