import { controllerReference, type KubeObject, type ObjectMeta } from "../apis/meta.ts";
import type { Controller, ControllerContext } from "../kube/controller.ts";
import { fakeContext } from "./fake-context.ts";
import type { FakeInformers } from "./fake-informers.ts";

export interface Wake<Config> {
  readonly start: (context: ControllerContext<Config>) => Controller;
  readonly config: Config;
  /** What the API server and the caches hold when the controller starts. */
  readonly objects: readonly KubeObject[];
  /** Whether the controller's first passes are real, for those that only then know what they depend on. */
  readonly works?: boolean;
  readonly change: (informers: FakeInformers) => void;
}

/** The keys, sorted, that a controller looks at because of a change. */
export async function keysWokenBy<Config>({ start, config, objects, works = false, change }: Wake<Config>) {
  const context = fakeContext(config, objects);
  let woken: string[] | undefined;
  context.setOwned((key) => {
    woken?.push(key);
    return works && !woken;
  });
  const controller = start(context);
  const settle = async () => {
    for (let turns = 0; turns < 5; turns++) await context.clock.advance(0);
  };
  await settle();
  woken = [];
  change(context.informers);
  await settle();
  context.stop();
  await controller.done;
  return woken.sort();
}

/** An object "name" in namespace "ns" of which only that counts for who is woken. */
export function plainObject(
  apiVersion: string,
  kind: string,
  name: string,
  metadata: Partial<ObjectMeta> = {},
  rest: object = {},
): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace: "ns", resourceVersion: "1", ...metadata }, ...rest };
}

/** The metadata of a child of `owner`. */
export function childOf(owner: KubeObject): Partial<ObjectMeta> {
  return { ownerReferences: [controllerReference(owner)] };
}
