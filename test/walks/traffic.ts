import type { KubeObject } from "../../src/apis/meta.ts";
import type { Dice } from "../../src/testing/mutate.ts";
import { type Loose, ofKind, type World } from "./world.ts";

const splits = [[100], [100], [50, 50], [99, 1], [10, 0, 90], [34, 33, 33], [100, undefined], [0, 100]] as const;

const tags = ["a", "b", "current", "latest"];

/** What users do to the traffic that there is: tags come and go and get other names, shares move, revisions are pinned. */
export function editTraffic(world: World, { kind, spec }: Loose, dice: Dice): void {
  const targets: Loose[] = spec.traffic;
  const target = dice.pick(targets);
  const other = dice.pick(targets);
  const revisions = ofKind(world, "Revision").map(({ metadata }) => metadata.name);
  switch (dice.roll(7)) {
    case 0:
      if (!targets.some(({ tag }) => tag === "b")) target.tag = "b";
      break;
    case 1:
      delete target.tag;
      break;
    case 2:
      targets.push({ tag: dice.pick(tags), percent: 0, ...pinned(dice.pick([...revisions, "missing"])) });
      break;
    case 3: {
      const moved = Math.min(10, target.percent ?? 0);
      target.percent = (target.percent ?? 0) - moved;
      other.percent = (other.percent ?? 0) + moved;
      break;
    }
    case 4:
    case 5:
      if (revisions.length > 0) Object.assign(target, { configurationName: undefined }, pinned(dice.pick(revisions)));
      break;
    default:
      Object.assign(target, { revisionName: undefined, latestRevision: true });
      if (kind === "Route") target.configurationName ??= ofKind(world, "Configuration")[0]?.metadata.name;
  }
  spec.traffic = JSON.parse(JSON.stringify(targets));
}

function pinned(revisionName: string): object {
  return { revisionName, latestRevision: false };
}

/** Traffic to what there is, and now and then to what there is not. */
export function traffic(world: World, { kind }: KubeObject, dice: Dice): object[] | undefined {
  if (dice.roll(5) === 0 && kind === "Service") return undefined;
  const namesOf = (name: string, otherwise: string): string[] => {
    const names = ofKind(world, name).map(({ metadata }) => metadata.name);
    return names.length === 0 || dice.roll(12) === 0 ? [...names, otherwise] : names;
  };
  const revisions = namesOf("Revision", "missing");
  const configurations = namesOf("Configuration", "c");
  const left = tags.slice(dice.roll(3));
  return dice.pick(splits).map((percent) => ({
    ...(percent !== undefined && { percent }),
    ...(dice.roll(2) === 0 && left.length > 0 && { tag: left.shift() }),
    ...(revisions[0] !== "missing" && dice.roll(3) === 0
      ? { revisionName: dice.pick(revisions) }
      : kind === "Route"
        ? { configurationName: dice.pick(configurations) }
        : { latestRevision: true }),
  }));
}
