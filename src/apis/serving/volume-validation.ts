import type { FeaturesConfig } from "../../config/features.ts";
import { goQuote } from "../../lib/go-quote.ts";
import { dnsLabelProblems } from "../../lib/kube-names.ts";
import { parseQuantity } from "../../lib/quantity.ts";
import type { KeyToPath, Volume, VolumeProjection } from "../core/volume.ts";
import {
  each,
  type Findings,
  invalidValue,
  missing,
  missingOneOf,
  multipleOneOf,
  none,
  problem,
  under,
  underElement,
} from "../field-error.ts";
import { maskedFields, volumeMask, volumeProjectionMask } from "./field-masks.ts";

/** What is wrong with the volumes of a pod; `mounted` names those that containers use. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  mounted: ReadonlySet<string>,
  features: FeaturesConfig,
): Findings {
  const names = new Set<string>();
  return each(volumes, (volume) => {
    const name = volume.name ?? "";
    const found = [
      ...(names.has(name) ? problem(`duplicate volume name ${goQuote(name)}`, "name") : none),
      ...(mounted.has(name) ? none : problem(`volume with name ${goQuote(name)} not mounted`, "name")),
      ...validateVolume(volume, features),
    ];
    names.add(name);
    return found;
  });
}

function validateVolume(volume: Volume, features: FeaturesConfig): Findings {
  const { secret, configMap, projected, emptyDir, persistentVolumeClaim } = volume;
  return [
    // A bad name hides that the source needs a feature.
    ...(validateName(volume.name) ?? validateFeatures(volume, features)),
    ...maskedFields(volumeMask, volume, features),
    ...validateItems(secret?.items),
    ...validateItems(configMap?.items),
    ...(projected?.sources ?? []).flatMap((source, index) =>
      underElement("projected", index, validateProjection(source, features)),
    ),
    ...(emptyDir ? under("emptyDir", validateEmptyDir(emptyDir)) : none),
    ...exactlyOne({ secret, configMap, projected, emptyDir, persistentVolumeClaim }, [
      "secret",
      "configMap",
      "projected",
      ...(features.podSpecVolumesEmptyDir === "Enabled" ? ["emptyDir"] : []),
      ...(features.podSpecPersistentVolumeClaim === "Enabled" ? ["persistentVolumeClaim"] : []),
    ]),
  ];
}

function validateName(name: string | undefined): Findings | undefined {
  if (!name) return missing("name");
  return dnsLabelProblems(name).length > 0 ? invalidValue(name, "name") : undefined;
}

/** A feature that is Allowed lets the field through the mask; using it takes Enabled. */
function validateFeatures(volume: Volume, features: FeaturesConfig): Findings {
  const claim = volume.persistentVolumeClaim;
  const found: Findings[] = [];
  if (claim && features.podSpecPersistentVolumeClaim !== "Enabled") {
    found.push(
      problem(
        `Persistent volume claim support is disabled, but found persistent volume claim ${claim.claimName ?? ""}`,
      ),
    );
  }
  if (claim && !claim.readOnly && features.podSpecPersistentVolumeWrite !== "Enabled") {
    const what = `but found persistent volume claim ${claim.claimName ?? ""} that is not read-only`;
    found.push(problem(`Persistent volume write support is disabled, ${what}`));
  }
  if (volume.emptyDir && features.podSpecVolumesEmptyDir !== "Enabled") {
    found.push(problem(`EmptyDir volume support is disabled, but found EmptyDir volume ${volume.name}`));
  }
  return found.flat();
}

function validateEmptyDir({ medium, sizeLimit }: NonNullable<Volume["emptyDir"]>): Findings {
  const isNegative = sizeLimit !== undefined && parseQuantity(String(sizeLimit)).nano < 0n;
  return [
    ...(medium && medium !== "Memory" ? invalidValue(medium, "medium") : none),
    ...(isNegative ? invalidValue(sizeLimit, "sizeLimit") : none),
  ];
}

function validateProjection(source: VolumeProjection, features: FeaturesConfig): Findings {
  const { secret, configMap, serviceAccountToken, downwardAPI } = source;
  return [
    ...maskedFields(volumeProjectionMask, source, features),
    ...(secret ? under("secret", validateNamedKeys(secret)) : none),
    ...(configMap ? under("configMap", validateNamedKeys(configMap)) : none),
    ...(serviceAccountToken && !serviceAccountToken.path ? missing("serviceAccountToken.path") : none),
    ...under("downwardAPI", under("items", each(downwardAPI?.items, validateDownwardFile))),
    ...exactlyOne({ secret, configMap, serviceAccountToken, downwardAPI }, [
      "secret",
      "configMap",
      "serviceAccountToken",
      "downwardAPI",
    ]),
  ];
}

function validateNamedKeys({ name, items }: { name?: string; items?: KeyToPath[] }): Findings {
  return [...(name ? none : missing("name")), ...validateItems(items)];
}

function validateItems(items: readonly KeyToPath[] | undefined): Findings {
  return under(
    "items",
    each(items, ({ key, path }) => [...(key ? none : missing("key")), ...(path ? none : missing("path"))]),
  );
}

type DownwardFile = NonNullable<NonNullable<VolumeProjection["downwardAPI"]>["items"]>[number];

function validateDownwardFile({ fieldRef, resourceFieldRef, path }: DownwardFile): Findings {
  return [
    ...(!fieldRef && !resourceFieldRef ? missingOneOf("fieldRef", "resourceFieldRef") : none),
    ...(fieldRef && resourceFieldRef
      ? problem("Within a single item, cannot set both", "resourceFieldRef", "fieldRef")
      : none),
    ...(path ? none : missing("path")),
  ];
}

function exactlyOne(fields: Readonly<Record<string, unknown>>, offered: readonly string[]): Findings {
  const set = Object.keys(fields).filter((name) => fields[name] !== undefined);
  if (set.length === 0) return missingOneOf(...offered);
  return set.length > 1 ? multipleOneOf(...set) : none;
}
