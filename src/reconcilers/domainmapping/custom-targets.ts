import { apiVersionOf, referredKind } from "../../apis/kind.ts";
import { keyOf } from "../../apis/meta.ts";
import type { DomainMapping } from "../../apis/serving/domainmapping.ts";
import type { Informer, Informers } from "../../kube/api.ts";
import type { Watch } from "../../kube/controller.ts";
import { isCachedTarget } from "./target.ts";

/** Begins informers that end with the signal. */
export type StartInformers = (signal: AbortSignal) => Pick<Informers, "of">;

const byTarget = "customTarget";

/**
 * The mappings whose target has changed, where that is of a kind that no cache holds: each such object is watched by
 * its name for as long as a mapping leads to it. Source: knative.dev/pkg resolver, which tracks whatever it resolves.
 */
export function watchCustomTargets(
  mappings: Pick<Informer<DomainMapping>, "onChange" | "addIndex" | "byIndex">,
  startInformers: StartInformers,
): Watch {
  mappings.addIndex(byTarget, targetsOf);
  return {
    subscribe(enqueue) {
      const followed = new Map<string, AbortController>();

      const follow = (target: string, { metadata, spec: { ref } }: DomainMapping) => {
        const ended = new AbortController();
        followed.set(target, ended);
        const namespace = ref.namespace ?? metadata.namespace!;
        const selection = { namespace, fieldSelector: `metadata.name=${ref.name}`, without: ["spec"] };
        startInformers(ended.signal)
          .of(referredKind(ref), selection)
          .onChange(() => mappings.byIndex(byTarget, target).map(keyOf).forEach(enqueue));
      };
      const settle = (mapping: DomainMapping) => {
        for (const target of targetsOf(mapping)) {
          const isWanted = mappings.byIndex(byTarget, target).length > 0;
          if (isWanted && !followed.has(target)) follow(target, mapping);
          if (isWanted) continue;
          followed.get(target)?.abort();
          followed.delete(target);
        }
      };

      const stop = mappings.onChange((change) => {
        if (change.type === "updated") settle(change.old);
        settle(change.object);
      });
      return () => {
        stop();
        for (const ended of followed.values()) ended.abort();
      };
    },
  };
}

/** What names the target of a mapping; none is named that the caches hold. */
function targetsOf({ metadata, spec: { ref } }: DomainMapping): readonly string[] {
  const kind = referredKind(ref);
  if (isCachedTarget(kind)) return [];
  return [`${apiVersionOf(kind)} ${kind.kind} ${ref.namespace ?? metadata.namespace}/${ref.name}`];
}
