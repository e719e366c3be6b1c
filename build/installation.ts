import { join } from "node:path";
import { stringify } from "yaml";
import { type Images, inApplyOrder, readManifests, resolveImages } from "../src/cluster/manifests.ts";

/**
 * All manifests for a Kubernetes cluster as one YAML text, with image references in the place of `hakn://NAME`, in an
 * order in which they can be applied.
 */
export function installation(manifestDirectory: string, images: Images): string {
  return (
    inApplyOrder([...readManifests(join(manifestDirectory, "crds")), ...readManifests(manifestDirectory)])
      .map((object) => resolveImages(object, images))
      // Kubernetes reads YAML 1.1, to which more words are something else than strings.
      .map((object) => stringify(object, { version: "1.1", aliasDuplicateObjects: false }))
      .join("---\n")
  );
}
