import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assignBuckets } from "./assignment.ts";
import { createBucketSet, makeBucketNames } from "./buckets.ts";
import { parseStatefulSet } from "./stateful-set.ts";

const statefulSet = parseStatefulSet({
  pod: "controlplane-0",
  serviceName: "autoscaler",
  namespace: "knative-serving",
  clusterDomain: "cluster.local",
});

// What knative.dev/pkg hash.BucketSet (20240716) answers: digit n is the index of the bucket that key n is in.
const answers: readonly [string, readonly string[], string][] = [
  ["1 bucket", makeBucketNames("controlplane", "hakn", 1), "0000000000000000000000000000000000000000"],
  ["2 buckets", makeBucketNames("controlplane", "hakn", 2), "0111000110110000101100101111101100100101"],
  ["3 buckets", makeBucketNames("controlplane", "hakn", 3), "1221210010000122101121212020022122022120"],
  ["10 buckets", makeBucketNames("controlplane", "hakn", 10), "7724309165679707340027979816908372370292"],
  // These two names end up in the same place of the ring whatever the key.
  ["buckets that collide", ["bucket-12", "bucket-180", "other"], "2011211022210212000211010211022122011022"],
  ["2 ordinals", statefulSet.bucketNames(2), "0000010110011101000111000101101110110011"],
  ["10 ordinals", statefulSet.bucketNames(10), "4833536880425176973414276538389348246437"],
];
for (const [name, buckets, owners] of answers) {
  test(`keys fall into ${name} as upstream divides them`, () => {
    const set = createBucketSet(buckets);
    const found = Array.from(owners, (_, n) =>
      set.indexOf(n === 39 && !buckets.includes("other") ? "default/ü" : `ns-${n % 3}/service-${n * 7}`),
    );
    assert.equal(found.join(""), owners);
  });
}

test("Lease names are upstream's, with a mapped prefix where one is configured", () => {
  assert.deepEqual(makeBucketNames("ControlPlane", "hakn", 2), [
    "controlplane.hakn.00-of-02",
    "controlplane.hakn.01-of-02",
  ]);
  assert.deepEqual(makeBucketNames("a", "b", 1, { "a.b": "other" }), ["other.00-of-01"]);
});

test("a pod name without an ordinal is refused", () => {
  const environment = { serviceName: "s", namespace: "n", clusterDomain: "d" };
  assert.throws(
    () => parseStatefulSet({ ...environment, pod: "controlplane" }),
    /STATEFUL_CONTROLLER_ORDINAL: "controlplane"/,
  );
  assert.equal(statefulSet.ordinalOf("controlplane-12"), 12);
  assert.equal(statefulSet.ordinalOf("other-1"), undefined);
});

const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 });
const bucketNames = fc.integer({ min: 1, max: 10 }).map((count) => makeBucketNames("c", "q", count));

test("every bucket has an owner, and no member has two more than another", () => {
  fc.assert(
    fc.property(bucketNames, members, (buckets, members) => {
      const owners = assignBuckets(buckets, members);
      const counts = members.map((member) => owners.filter((owner) => owner === member).length);
      assert.equal(owners.includes(undefined), false);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    }),
  );
});

test("the order in which members are known does not matter", () => {
  fc.assert(
    fc.property(bucketNames, members, (buckets, members) => {
      assert.deepEqual(assignBuckets(buckets, members), assignBuckets(buckets, members.toReversed()));
    }),
  );
});

test("without members nobody owns anything", () => {
  assert.deepEqual(assignBuckets(["a", "b"], []), [undefined, undefined]);
});

test("members with ordinals have the buckets of their ordinals; the rest is shared by the others", () => {
  const buckets = makeBucketNames("c", "q", 3);
  const ordinalOf = (member: string) => Number(member.slice(2));
  assert.deepEqual(
    assignBuckets(buckets, ["p-2", "p-0"], ordinalOf).filter((_, at) => at !== 1),
    ["p-0", "p-2"],
  );
});
