import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { KnativeService } from "../../apis/serving/service.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { makeRevision } from "../../reconcilers/configuration/revision.ts";
import { makeDeployment } from "../../reconcilers/revision/deployment.ts";
import { makeImage } from "../../reconcilers/revision/image.ts";
import { makePodAutoscaler } from "../../reconcilers/revision/pod-autoscaler.ts";
import { makeBarePodSpec } from "../../reconcilers/revision/pod-spec.ts";
import { makeUserContainers } from "../../reconcilers/revision/user-containers.ts";
import { makeConfiguration } from "../../reconcilers/service/configuration.ts";
import { makeRoute } from "../../reconcilers/service/route.ts";
import { typed } from "./typed.ts";

/** The inputs of op `make` for what Services, Configurations and Revisions are turned into. */
export interface MakeRevisionRequest {
  readonly service?: KnativeService;
  readonly configuration?: Configuration;
  readonly revision?: Revision;
  /** RFC 3339; 2024-01-02T03:04:05Z unless told. */
  readonly now?: string;
  readonly containerName?: string;
  readonly image?: string;
}

/** A child object from the inputs; throws what the builder throws. Undefined where an input is missing. */
export type RevisionMaker = (request: MakeRevisionRequest, config: ServingConfig) => unknown;

const installation = { systemNamespace: "knative-serving", metricsDomain: "knative.dev/internal/serving" };

/** Op `make`, by resource. */
export const revisionMakers: Readonly<Record<string, RevisionMaker>> = {
  configuration: ({ service, configuration }) =>
    service && makeConfiguration(typed(KnativeService, service), configuration),
  route: ({ service }) => service && makeRoute(typed(KnativeService, service)),
  revision: ({ configuration, now = "2024-01-02T03:04:05Z" }) =>
    configuration && makeRevision(typed(Configuration, configuration), Date.parse(now)),
  deployment: ({ revision }, config) => revision && makeDeployment(typed(Revision, revision), config, installation),
  podspec: ({ revision }, config) => revision && makeBarePodSpec(revision, makeUserContainers(revision), config),
  podautoscaler: ({ revision }, config) => {
    const typedRevision = revision && typed(Revision, revision);
    return typedRevision && makePodAutoscaler(typedRevision, makeDeployment(typedRevision, config, installation));
  },
  imagecache: ({ revision, containerName = "", image = "" }) =>
    revision && makeImage(typed(Revision, revision), containerName, image),
};
