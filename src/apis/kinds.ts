import { Metric } from "./autoscaling/metric.ts";
import { PodAutoscaler } from "./autoscaling/podautoscaler.ts";
import { Image } from "./caching/image.ts";
import { ConfigMap } from "./core/configmap.ts";
import { CustomResourceDefinition } from "./core/customresourcedefinition.ts";
import { Deployment } from "./core/deployment.ts";
import { Endpoints } from "./core/endpoints.ts";
import { EndpointSlice } from "./core/endpointslice.ts";
import { Event } from "./core/event.ts";
import { HorizontalPodAutoscaler } from "./core/horizontalpodautoscaler.ts";
import { Lease } from "./core/lease.ts";
import { Namespace } from "./core/namespace.ts";
import { Node } from "./core/node.ts";
import { Pod } from "./core/pod.ts";
import { PodDisruptionBudget } from "./core/poddisruptionbudget.ts";
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "./core/rbac.ts";
import { ReplicaSet } from "./core/replicaset.ts";
import { ResourceQuota } from "./core/resourcequota.ts";
import { Secret } from "./core/secret.ts";
import { Service } from "./core/service.ts";
import { ServiceAccount } from "./core/serviceaccount.ts";
import { StatefulSet } from "./core/statefulset.ts";
import { PersistentVolume, PersistentVolumeClaim, StorageClass } from "./core/storage.ts";
import { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from "./core/webhookconfiguration.ts";
import { DestinationRule } from "./istio/destinationrule.ts";
import { Gateway } from "./istio/gateway.ts";
import { VirtualService } from "./istio/virtualservice.ts";
import type { KindInfo } from "./kind.ts";
import { Certificate } from "./networking/certificate.ts";
import { ClusterDomainClaim } from "./networking/clusterdomainclaim.ts";
import { Ingress } from "./networking/ingress.ts";
import { ServerlessService } from "./networking/serverlessservice.ts";
import { Configuration } from "./serving/configuration.ts";
import { DomainMapping } from "./serving/domainmapping.ts";
import { Revision } from "./serving/revision.ts";
import { Route } from "./serving/route.ts";
import { KnativeService } from "./serving/service.ts";

/** The kinds that Kubernetes itself has and that we read or write. */
export const coreKinds: readonly KindInfo[] = [
  Pod,
  Service,
  Endpoints,
  EndpointSlice,
  ConfigMap,
  Secret,
  Namespace,
  ServiceAccount,
  Event,
  Node,
  Deployment,
  ReplicaSet,
  StatefulSet,
  Lease,
  HorizontalPodAutoscaler,
  PodDisruptionBudget,
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
  CustomResourceDefinition,
  Role,
  RoleBinding,
  ClusterRole,
  ClusterRoleBinding,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  ResourceQuota,
];

/** The product's own kinds: their CRDs are made from their schemas. */
export const crdKinds: readonly KindInfo[] = [
  KnativeService,
  Configuration,
  Revision,
  Route,
  DomainMapping,
  PodAutoscaler,
  Metric,
  Image,
  Ingress,
  ServerlessService,
  Certificate,
  ClusterDomainClaim,
];

/** Istio's kinds that we read or write. On a real cluster Istio brings their CRDs. */
export const istioKinds: readonly KindInfo[] = [Gateway, VirtualService, DestinationRule];

export const allKinds: readonly KindInfo[] = [...coreKinds, ...crdKinds, ...istioKinds];
