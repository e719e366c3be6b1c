import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../apis/meta.ts";
import { DomainMapping } from "../../apis/serving/domainmapping.ts";
import { fakeInformers } from "../../testing/fake-informers.ts";
import { plainObject } from "../../testing/wakes.ts";
import { watchCustomTargets } from "./custom-targets.ts";

const eventing = "eventing.knative.dev/v1";
const mappingTo = (name: string, ref: Partial<DomainMapping["spec"]["ref"]>, resourceVersion = "1") =>
  plainObject("serving.knative.dev/v1beta1", "DomainMapping", name, { resourceVersion }, { spec: { ref } });
const toBroker = (name: string, broker: string, resourceVersion?: string) =>
  mappingTo(name, { apiVersion: eventing, kind: "Broker", name: broker, namespace: "ns" }, resourceVersion);
const broker = (name: string, resourceVersion = "1") => plainObject(eventing, "Broker", name, { resourceVersion });

/** Follows the targets of `mappings` and of no kind but what they name. */
function follow(...mappings: readonly KubeObject[]) {
  const informers = fakeInformers(mappings);
  const woken: string[] = [];
  const selections: string[] = [];
  const live = new Set<AbortSignal>();
  const watch = watchCustomTargets(informers.of(DomainMapping), (signal) => ({
    of: (kind, selection) => {
      live.add(signal);
      signal.addEventListener("abort", () => live.delete(signal));
      selections.push(`${kind.plural}.${kind.group} ${selection?.namespace} ${selection?.fieldSelector}`);
      return informers.of(kind);
    },
  }));
  const stop = watch.subscribe((key) => woken.push(key));
  return { informers, woken, selections, stop, live };
}

describe("targets of kinds that no cache holds", () => {
  it("wake the mappings to them when they appear, change and go", () => {
    const { informers, woken, selections } = follow(toBroker("a.example.com", "one"), toBroker("b.example.com", "one"));
    assert.deepEqual(selections, ["brokers.eventing.knative.dev ns metadata.name=one"]);
    const both = ["ns/a.example.com", "ns/b.example.com"];
    for (const change of [
      () => informers.put(broker("one")),
      () => informers.put(broker("one", "2")),
      () => informers.remove(broker("one", "2")),
    ]) {
      woken.length = 0;
      change();
      assert.deepEqual(woken, both);
    }
  });

  it("are followed no longer than a mapping leads to them", () => {
    const { informers, live, selections } = follow(toBroker("a.example.com", "one"), toBroker("b.example.com", "one"));
    const [first] = live;
    informers.put(toBroker("a.example.com", "two", "2"));
    assert.deepEqual([live.size, first?.aborted], [2, false]);
    informers.remove(toBroker("b.example.com", "one"));
    assert.deepEqual([live.size, first?.aborted], [1, true]);
    informers.put(toBroker("b.example.com", "one", "3"));
    assert.deepEqual([live.size, selections.length], [2, 3]);
  });

  it("are followed once, however often their mappings change otherwise", () => {
    const { informers, selections } = follow(toBroker("a.example.com", "one"));
    informers.put(toBroker("a.example.com", "one", "2"));
    assert.equal(selections.length, 1);
  });

  it("are followed no longer than the controller runs", () => {
    const { informers, live, stop } = follow(toBroker("a.example.com", "one"));
    stop();
    informers.put(toBroker("b.example.com", "two"));
    assert.equal(live.size, 0);
  });

  for (const [apiVersion, kind] of [
    ["v1", "Service"],
    ["serving.knative.dev/v1", "Service"],
    ["serving.knative.dev/v1", "Route"],
  ] as const) {
    it(`do not include ${apiVersion} ${kind}, whose changes the caches tell`, () => {
      const { selections } = follow(mappingTo("a.example.com", { apiVersion, kind, name: "hello" }));
      assert.deepEqual(selections, []);
    });
  }
});
