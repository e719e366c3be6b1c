import { apiVersionOf } from "../../apis/kind.ts";
import { keyOf } from "../../apis/meta.ts";
import type { DomainMapping } from "../../apis/serving/domainmapping.ts";
import type { Informer, Informers } from "../../kube/api.ts";
import type { Watch } from "../../kube/controller.ts";
import { isCachedTarget, referredKind } from "./target.ts";

/** Begins informers that end with the signal. */
export type StartInformers = (signal: AbortSignal) => Pick<Informers, "of">;

/** An object that mappings lead to, and those mappings' keys. */
interface Followed {
  readonly keys: Set<string>;
  readonly ended: AbortController;
}

/**
 * The mappings whose target has changed, where that is of a kind that no cache holds: each such object is watched by
 * its name for as long as a mapping leads to it. Source: knative.dev/pkg resolver, which tracks whatever it resolves.
 */
export function watchCustomTargets(
  mappings: Pick<Informer<DomainMapping>, "onChange">,
  startInformers: StartInformers,
): Watch {
  return {
    subscribe(enqueue) {
      const followed = new Map<string, Followed>();

      const begin = ({ metadata, spec: { ref } }: DomainMapping): Followed => {
        const keys = new Set<string>();
        const ended = new AbortController();
        const namespace = ref.namespace ?? metadata.namespace!;
        const selection = { namespace, fieldSelector: `metadata.name=${ref.name}`, without: ["spec"] };
        startInformers(ended.signal)
          .of(referredKind(ref), selection)
          .onChange(() => keys.forEach(enqueue));
        return { keys, ended };
      };
      const follow = (mapping: DomainMapping) => {
        const id = targetOf(mapping);
        if (id === undefined) return;
        const target = followed.get(id) ?? begin(mapping);
        target.keys.add(keyOf(mapping));
        followed.set(id, target);
      };
      const leave = (mapping: DomainMapping) => {
        const id = targetOf(mapping);
        const target = id === undefined ? undefined : followed.get(id);
        target?.keys.delete(keyOf(mapping));
        if (target?.keys.size !== 0) return;
        followed.delete(id!);
        target.ended.abort();
      };

      const stop = mappings.onChange((change) => {
        if (change.type === "updated" && targetOf(change.old) === targetOf(change.object)) return;
        if (change.type !== "added") leave(change.type === "updated" ? change.old : change.object);
        if (change.type !== "deleted") follow(change.object);
      });
      return () => {
        stop();
        for (const { ended } of followed.values()) ended.abort();
      };
    },
  };
}

/** What names the target of a mapping; undefined for one that the caches hold. */
function targetOf({ metadata, spec: { ref } }: DomainMapping): string | undefined {
  const kind = referredKind(ref);
  if (isCachedTarget(kind)) return undefined;
  return `${apiVersionOf(kind)} ${kind.kind} ${ref.namespace ?? metadata.namespace}/${ref.name}`;
}
