import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, beforeEach, describe, test } from "node:test";
import { send } from "./contract.ts";
import type { Step } from "./contract-cases/samples.ts";
import { type ScratchServer, startScratchServer } from "./scratch-server.ts";

interface Meta {
  readonly name: string;
  readonly resourceVersion: string;
  readonly labels?: Record<string, string>;
}

interface List {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly { readonly metadata: Meta; readonly data?: Record<string, string> }[];
}

interface Event {
  readonly type: string;
  readonly object: { readonly metadata: Meta; readonly code?: number; readonly reason?: string };
}

const configMaps = "/api/v1/namespaces/default/configmaps";
const merge = "application/merge-patch+json";

describe("lists and watches", () => {
  let api: ScratchServer;

  const must = async <T>(...step: Step): Promise<T> => {
    const answer = await send(api.access, step);
    assert.ok(answer.code < 300, `${step[0]} ${step[1]}: ${answer.text}`);
    return JSON.parse(answer.text) as T;
  };
  const make = (name: string, labels: Record<string, string> = {}) =>
    must<{ metadata: Meta }>("POST", configMaps, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, labels },
      data: { v: "1" },
    });
  const names = (list: List) => list.items.map(({ metadata }) => metadata.name);

  /** Opens a watch; `next` resolves with the following event, `ended` once the server has ended it. */
  const watch = async (query: string) => {
    const events: Event[] = [];
    let arrived = () => {};
    let text = "";
    const { url, ca, token } = api.access;
    const sent = request(new URL(`${configMaps}?watch=true&${query}`, url), {
      ca,
      headers: { authorization: `Bearer ${token}` },
    });
    let opened = () => {};
    const open = new Promise<void>((resolve) => {
      opened = resolve;
    });
    const ended = new Promise<void>((resolve, reject) => {
      sent.once("error", reject);
      sent.once("response", (response) => {
        opened();
        response.on("data", (chunk: Buffer) => {
          text += String(chunk);
          for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
            events.push(JSON.parse(text.slice(0, end)) as Event);
            text = text.slice(end + 1);
            arrived();
          }
        });
        response.once("end", resolve);
        response.once("close", resolve);
      });
      sent.end();
    });
    ended.catch(() => {});
    await Promise.race([open, ended]);
    const next = async (): Promise<Event> => {
      while (events.length === 0) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
      return events.shift()!;
    };
    return { next, ended, close: () => sent.destroy() };
  };

  before(async () => {
    api = await startScratchServer();
  });

  beforeEach(() => must("DELETE", configMaps));

  after(() => api.close());

  test("pages of one list show one moment, whatever happens between them", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) await make(name);
    const first = await must<List>("GET", `${configMaps}?limit=2`);
    assert.deepEqual([names(first), first.metadata.remainingItemCount], [["a", "b"], 3]);
    await must("DELETE", `${configMaps}/c`);
    await must("PATCH", `${configMaps}/d`, { data: { v: "2" } }, merge);
    await make("cc");
    const second = await must<List>("GET", `${configMaps}?limit=2&continue=${first.metadata.continue}`);
    assert.deepEqual(
      second.items.map(({ metadata, data }) => `${metadata.name}=${data?.["v"]}`),
      ["c=1", "d=1"],
    );
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    const third = await must<List>("GET", `${configMaps}?limit=2&continue=${second.metadata.continue}`);
    assert.deepEqual([names(third), third.metadata.continue], [["e"], undefined]);
    const exact = `resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`;
    assert.deepEqual(names(await must<List>("GET", `${configMaps}?${exact}`)), ["a", "b", "c", "d", "e"]);
  });

  test("a watch goes on from a list without a gap, and keeps to its selection", async () => {
    await make("before", { w: "1" });
    const list = await must<List>("GET", configMaps);
    await make("between", { w: "1" });
    const watching = await watch(`resourceVersion=${list.metadata.resourceVersion}&labelSelector=w`);
    await make("other");
    await must("PATCH", `${configMaps}/other`, { metadata: { labels: { w: "2" } } }, merge);
    await must("PATCH", `${configMaps}/other`, { data: { v: "2" } }, merge);
    await must("PATCH", `${configMaps}/other`, { metadata: { labels: { w: null } } }, merge);
    await must("DELETE", `${configMaps}/before`);
    const seen: string[] = [];
    let last = Number(list.metadata.resourceVersion);
    for (let count = 0; count < 5; count++) {
      const { type, object } = await watching.next();
      seen.push(`${type} ${object.metadata.name}`);
      assert.ok(Number(object.metadata.resourceVersion) > last, "versions grow");
      last = Number(object.metadata.resourceVersion);
    }
    assert.deepEqual(seen, ["ADDED between", "ADDED other", "MODIFIED other", "DELETED other", "DELETED before"]);
    watching.close();
  });

  test("a watch may begin with what is there, and says where that ends", async () => {
    await make("a");
    const watching = await watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
    assert.equal((await watching.next()).type, "ADDED");
    const { type, object } = await watching.next();
    assert.equal(type, "BOOKMARK");
    assert.deepEqual((object.metadata as Meta & { annotations: object }).annotations, {
      "k8s.io/initial-events-end": "true",
    });
    watching.close();
  });

  test("many watches see every one of many writes, in order", async () => {
    const { metadata } = await must<List>("GET", configMaps);
    const watches = await Promise.all(
      Array.from({ length: 20 }, () => watch(`resourceVersion=${metadata.resourceVersion}`)),
    );
    await Promise.all(Array.from({ length: 60 }, (_, index) => make(`n${index}`)));
    for (const watching of watches) {
      const versions: number[] = [];
      for (let count = 0; count < 60; count++)
        versions.push(Number((await watching.next()).object.metadata.resourceVersion));
      assert.deepEqual(
        versions,
        [...versions].sort((a, b) => a - b),
      );
      assert.equal(new Set(versions).size, 60);
      watching.close();
    }
  });

  test("after a restart the newest version is gone on from, older ones are gone, later ones are too large", async () => {
    const { metadata } = await make("a");
    await make("b");
    const list = await must<List>("GET", configMaps);
    const open = await watch(`resourceVersion=${list.metadata.resourceVersion}`);
    await api.restart();
    await open.ended;
    const current = await must<List>("GET", configMaps);
    assert.deepEqual(names(current), ["a", "b"]);
    const old = await watch(`resourceVersion=${metadata.resourceVersion}`);
    const { type, object } = await old.next();
    assert.deepEqual([type, object.code, object.reason], ["ERROR", 410, "Expired"]);
    await old.ended;
    const going = await watch(`resourceVersion=${current.metadata.resourceVersion}`);
    await make("c");
    assert.equal((await going.next()).object.metadata.name, "c");
    going.close();
    const future = await send(api.access, [
      "GET",
      `${configMaps}?resourceVersion=999999&resourceVersionMatch=NotOlderThan`,
    ]);
    assert.equal(future.code, 504);
    assert.match(future.text, /Too large resource version: 999999/);
  });
});
