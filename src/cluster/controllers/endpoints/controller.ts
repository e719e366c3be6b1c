import { Endpoints } from "../../../apis/core/endpoints.ts";
import { EndpointSlice, serviceNameLabel } from "../../../apis/core/endpointslice.ts";
import { Pod } from "../../../apis/core/pod.ts";
import { Service } from "../../../apis/core/service.ts";
import { keyOf } from "../../../apis/meta.ts";
import { type Watch, watching } from "../../../kube/controller.ts";
import type { BuiltinContext } from "../context.ts";
import { type KeyedWorker, startKeyedWorker } from "../keyed-worker.ts";
import { reconcileMirror } from "./mirroring.ts";
import { type EndpointsDeps, hasSelector, reconcileEndpoints } from "./reconcile.ts";
import { managedByLabel, sliceManager } from "./slices.ts";

/** Keeps Endpoints and EndpointSlices of Services, and mirrors hand-made Endpoints. Keys are those of Services. */
export function startEndpointsControllers(context: BuiltinContext): KeyedWorker[] {
  const { client, informers, signal } = context;
  const deps: EndpointsDeps = {
    client,
    services: informers.of(Service),
    pods: informers.of(Pod),
    endpoints: informers.of(Endpoints),
    slices: informers.of(EndpointSlice),
  };
  const services = informers.of(Service);
  const endpoints = informers.of(Endpoints);
  const slicesOf = (manager: string): Watch =>
    watching(informers.of(EndpointSlice), ({ metadata: { namespace, labels } }) => {
      const name = labels?.[serviceNameLabel];
      return name && labels[managedByLabel] === manager ? [`${namespace}/${name}`] : [];
    });
  const pods = watching(informers.of(Pod), ({ metadata: { namespace = "", labels = {} } }) =>
    services
      .list({ namespace })
      .filter((service) => hasSelector(service))
      .filter(({ spec }) => Object.entries(spec!.selector!).every(([name, value]) => labels[name] === value))
      .map(keyOf),
  );
  const self = [watching(services, (service) => [keyOf(service)]), watching(endpoints, (object) => [keyOf(object)])];
  return [
    startKeyedWorker(context, "endpoints-controller", [...self, pods, slicesOf(sliceManager.ofPods)], (key) =>
      reconcileEndpoints(key, deps, signal),
    ),
    startKeyedWorker(context, "endpointslicemirroring-controller", [...self, slicesOf(sliceManager.ofMirrors)], (key) =>
      reconcileMirror(key, deps, signal),
    ),
  ];
}
