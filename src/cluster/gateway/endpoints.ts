import type { Endpoints } from "../../apis/core/endpoints.ts";
import type { Informer, Writer } from "../../kube/api.ts";
import { semanticCovers } from "../../kube/semantic.ts";
import { type Clock, pause } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import { type GatewayAddresses, makeGatewayEndpoints } from "./objects.ts";

const manager = "hakn-gateway";
const retryMs = 500;

/**
 * Writes where the gateway listens into the Endpoints of its Services, and again whenever somebody else changes them.
 * Settles once they are written for the first time; the returned function stops it.
 */
export async function keepEndpoints(
  addresses: GatewayAddresses,
  informer: Pick<Informer<Endpoints>, "onChange">,
  client: Pick<Writer<Endpoints>, "patch">,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Logger; readonly signal: AbortSignal },
): Promise<() => void> {
  const wanted = makeGatewayEndpoints(addresses);
  const stopped = new AbortController();
  const stop = AbortSignal.any([signal, stopped.signal]);

  const write = async (endpoints: Endpoints): Promise<void> => {
    const { name, namespace } = endpoints.metadata;
    for (;;) {
      try {
        await client.patch(
          { name, namespace: namespace! },
          { type: "apply", body: endpoints, force: true },
          { fieldManager: manager, signal: stop },
        );
        return;
      } catch (error) {
        if (stop.aborted) return;
        log.warn("The gateway's Endpoints could not be written; trying again", { name, error });
        await pause(clock, retryMs, stop);
      }
    }
  };

  await Promise.all(wanted.map(write));
  const unsubscribe = informer.onChange(({ type, object }) => {
    const mine = wanted.find(
      ({ metadata }) => metadata.name === object.metadata.name && metadata.namespace === object.metadata.namespace,
    );
    if (mine && (type === "deleted" || !semanticCovers(object.subsets, mine.subsets))) void write(mine);
  });
  return () => {
    stopped.abort();
    unsubscribe();
  };
}
