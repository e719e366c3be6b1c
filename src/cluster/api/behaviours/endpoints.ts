import type { Behaviour } from "../resource.ts";
import { invalidValue, required } from "../status-errors.ts";
import { mapsIn } from "../typed-values.ts";

/** Written whole by their controllers, whether they are there or not. */
export const endpoints: Behaviour = {
  deprecated: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  createsOnUpdate: true,
  setDefaults(item) {
    for (const subset of mapsIn(item["subsets"]))
      for (const port of mapsIn(subset["ports"])) port["protocol"] ??= "TCP";
  },
};

export const endpointSlice: Behaviour = {
  countsGenerations: true,
  setDefaults(item) {
    for (const endpoint of mapsIn(item["endpoints"])) endpoint["conditions"] ??= {};
    for (const port of mapsIn(item["ports"])) {
      port["name"] ??= "";
      port["protocol"] ??= "TCP";
    }
  },
  validate(item, stored) {
    const type = item["addressType"];
    if (type === undefined) return [required("addressType")];
    return stored && stored["addressType"] !== type ? [invalidValue("addressType", type, "field is immutable")] : [];
  },
};
