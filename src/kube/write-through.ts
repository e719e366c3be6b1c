import type { Kind } from "../apis/kind.ts";
import type { KubeObject } from "../apis/meta.ts";
import type { Client, Informers, Resource, WriteOptions } from "./api.ts";

/**
 * A client whose writes the program's own caches know of at once, without waiting for the watch to tell. So no pass
 * makes a second time what another has just made, none starts from a state that this program itself has left behind,
 * and who waits for a child goes on as soon as the child is written.
 */
export function writeThrough(client: Client, informers: Pick<Informers, "learn">): Client {
  const of = <T extends KubeObject>(kind: Kind<T>): Resource<T> => {
    const resource = client.of(kind);
    const learning = async (written: Promise<T>, options: WriteOptions | undefined): Promise<T> => {
      const object = await written;
      if (!options?.dryRun && options?.subresource !== "scale") informers.learn(kind, object);
      return object;
    };
    return {
      ...resource,
      create: (object, options) => learning(resource.create(object, options), options),
      update: (object, options) => learning(resource.update(object, options), options),
      updateStatus: (object, options) => learning(resource.updateStatus(object, options), options),
      patch: (ref, patch, options) => learning(resource.patch(ref, patch, options), options),
    };
  };
  return { ...client, of };
}
