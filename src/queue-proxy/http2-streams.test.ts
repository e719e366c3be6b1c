import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Http2Stream } from "./http2-stream.ts";
import { Http2Streams } from "./http2-streams.ts";

const stream = (id: number) => ({ id, next: undefined }) as Http2Stream;
/** Numbers of one side, of which several lie in one chain. */
const id = fc.nat(200).map((index) => 2 * index + 1);

test("streams are found as in a map, whichever come and go", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), id), { maxLength: 300 }), (steps) => {
      const streams = new Http2Streams();
      const expected = new Map<number, Http2Stream>();
      for (const [opens, at] of steps) {
        const known = expected.get(at);
        assert.equal(streams.get(at), known);
        if (opens && !known) {
          const opened = stream(at);
          streams.add(opened);
          expected.set(at, opened);
        } else if (!opens && known) {
          streams.remove(known);
          expected.delete(at);
          assert.equal(known.next, undefined, "one that is over leads to no other");
        }
        assert.equal(streams.size, expected.size);
      }
      const byId = (one: Http2Stream, other: Http2Stream) => one.id - other.id;
      assert.deepEqual(streams.all().sort(byId), [...expected.values()].sort(byId));
    }),
  );
});

const inOneChain = [1, 129, 257].map(stream);

test("a stream that is not in, or not any more, is not taken out", () => {
  const streams = new Http2Streams();
  for (const one of inOneChain) streams.add(one);
  streams.remove(inOneChain[1]!);
  streams.remove(inOneChain[1]!);
  streams.remove(stream(385));
  assert.equal(streams.size, 2);
  assert.deepEqual(
    streams.all().map((one) => one.id),
    [257, 1],
  );
});

test("cleared, there is none", () => {
  const streams = new Http2Streams();
  for (const one of inOneChain) streams.add(one);
  streams.clear();
  assert.deepEqual([streams.size, streams.all(), streams.get(129)], [0, [], undefined]);
});
