import { defineKind, type ObjectOf } from "../kind.ts";
import { int32, object, string, time } from "../schema.ts";

/** Says who holds something, and until when. */
export const Lease = defineKind({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  description: "Says who holds something, and until when.",
  properties: {
    spec: object("Who holds it.", {
      holderIdentity: string("The holder; empty for none."),
      leaseDurationSeconds: int32("Seconds after renewTime until others may take it."),
      acquireTime: time("When the holder took it, to the microsecond."),
      renewTime: time("When the holder last renewed it, to the microsecond."),
      leaseTransitions: int32("How often the holder has changed."),
    }),
  },
});
export type Lease = ObjectOf<typeof Lease>;
