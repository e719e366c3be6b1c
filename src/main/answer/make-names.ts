import type { KubeObject } from "../../apis/meta.ts";
import { childName } from "../../lib/child-name.ts";
import { serviceHostname } from "../../lib/cluster-domain.ts";
import { deploymentName, podAutoscalerName } from "../../reconcilers/revision/names.ts";

/** The objects whose children's names are asked for. */
interface NamesRequest {
  readonly service?: KubeObject;
  readonly revision?: KubeObject;
  readonly route?: KubeObject;
  readonly podautoscaler?: KubeObject;
  readonly serverlessservice?: KubeObject;
}

/** Op `make`, resource `names`: what the children of each given object are called. */
export function makeNames({ service, revision, route, podautoscaler, serverlessservice }: NamesRequest) {
  return {
    ...(service && { service: { configuration: service.metadata.name, route: service.metadata.name } }),
    ...(revision && {
      revision: {
        deployment: deploymentName(revision),
        imageCache: childName(revision.metadata.name, "-cache"),
        podautoscaler: podAutoscalerName(revision),
      },
    }),
    ...(route && {
      route: {
        k8sService: route.metadata.name,
        k8sServiceFullname: serviceHostname(route.metadata.name, route.metadata.namespace ?? ""),
        ingress: childName(route.metadata.name, ""),
        certificate: `route-${route.metadata.uid ?? ""}`,
      },
    }),
    ...(podautoscaler && { podautoscaler: { serverlessservice: podautoscaler.metadata.name } }),
    ...(serverlessservice && {
      serverlessservice: { privateService: childName(serverlessservice.metadata.name, "-private") },
    }),
  };
}
