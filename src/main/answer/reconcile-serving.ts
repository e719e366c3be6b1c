import { Configuration } from "../../apis/serving/configuration.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import { KnativeService } from "../../apis/serving/service.ts";
import { createTracker } from "../../kube/tracker.ts";
import { type ConfigurationDeps, reconcileConfiguration } from "../../reconcilers/configuration/reconcile.ts";
import { type GcDeps, reconcileGc } from "../../reconcilers/gc/reconcile.ts";
import {
  byRoute,
  finalizeRouteMarks,
  type LabelerDeps,
  reconcileRouteMarks,
  routeKeysOf,
} from "../../reconcilers/labeler/reconcile.ts";
import { indexRevisions } from "../../reconcilers/revisions-of.ts";
import { reconcileService, type ServiceDeps } from "../../reconcilers/service/reconcile.ts";
import type { ControllerRow } from "./reconcile.ts";

export const serviceRow: ControllerRow<KnativeService, ServiceDeps> = {
  kind: KnativeService,
  reconcile: reconcileService,
  deps: ({ client, informers }) => ({
    configurations: informers.of(Configuration),
    routes: informers.of(Route),
    revisions: informers.of(Revision),
    writeConfigurations: client.of(Configuration),
    writeRoutes: client.of(Route),
  }),
};

export const configurationRow: ControllerRow<Configuration, ConfigurationDeps> = {
  kind: Configuration,
  reconcile: reconcileConfiguration,
  deps: ({ client, informers }) => ({
    revisions: indexRevisions(informers.of(Revision)),
    writeRevisions: client.of(Revision),
  }),
};

export const labelerRow: ControllerRow<Route, LabelerDeps> = {
  kind: Route,
  reconcile: reconcileRouteMarks,
  finalizer: { name: "routes.serving.knative.dev", finalize: finalizeRouteMarks },
  deps: ({ client, informers }) => {
    const revisions = informers.of(Revision);
    const configurations = informers.of(Configuration);
    revisions.addIndex(byRoute, routeKeysOf);
    configurations.addIndex(byRoute, routeKeysOf);
    const [writeRevisions, writeConfigurations] = [client.of(Revision), client.of(Configuration)];
    return { revisions, configurations, writeRevisions, writeConfigurations, tracker: createTracker() };
  },
};

export const gcRow: ControllerRow<Configuration, GcDeps> = {
  kind: Configuration,
  reconcile: reconcileGc,
  deps: ({ client, informers }) => ({
    revisions: indexRevisions(informers.of(Revision)),
    writeRevisions: client.of(Revision),
  }),
};
