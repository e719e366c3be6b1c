import type { ClusterAccess } from "../../kube/api.ts";
import type { DigestState } from "./digest/resolver.ts";
import { type RevisionDeps, revisionReconciler } from "./reconcile.ts";

/** What reconcileRevision has in a test's world, where `digests` is what the registry said. */
export function revisionDeps(
  access: ClusterAccess,
  digests: DigestState,
  installation: RevisionDeps["installation"],
): RevisionDeps {
  const unused = () => Promise.reject(new Error("the resolver is a fake"));
  return revisionReconciler.deps(access, {
    installation,
    digests: { stateOf: () => digests, settled: async () => {}, forget() {}, onResult() {}, close() {} },
    registry: { digestOf: unused },
    pullSecrets: { keyringOf: unused },
    keychains: [],
    ensureCertificate: async () => {},
  });
}
