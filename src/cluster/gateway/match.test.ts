import assert from "node:assert/strict";
import { test } from "node:test";
import type { HTTPMatchRequest } from "../../apis/istio/virtualservice.ts";
import { type Facts, matches } from "./match.ts";

const facts: Facts = {
  method: "GET",
  scheme: "http",
  authority: "App.ns.example.com:8080",
  path: "/shop/cart?color=red",
  headers: { "x-tag": "blue", cookie: ["a=1", "b=2"] },
  port: 80,
};

const cases: readonly [sentence: string, match: HTTPMatchRequest, fits: boolean][] = [
  ["an empty match fits all", {}, true],
  ["an authority prefix fits a host with a port", { authority: { prefix: "App.ns.example.com" } }, true],
  ["another authority does not fit", { authority: { prefix: "app2" } }, false],
  ["a path prefix does not see the query", { uri: { prefix: "/shop" } }, true],
  ["an exact path is all of the path", { uri: { exact: "/shop" } }, false],
  ["a regular expression has to fit all of the path", { uri: { regex: "/shop/c.*" } }, true],
  ["and not only a part of it", { uri: { regex: "/shop" } }, false],
  ["the path's case counts unless told", { uri: { prefix: "/SHOP" } }, false],
  ["the path's case does not count where told", { uri: { prefix: "/SHOP" }, ignoreUriCase: true }, true],
  ["a header's name has no case, its value has", { headers: { "X-Tag": { exact: "blue" } } }, true],
  ["a header that is missing does not fit", { headers: { "X-Other": { exact: "" } } }, false],
  ["a header that only has to be there fits", { headers: { "x-tag": {} } }, true],
  ["a header that must not be there", { withoutHeaders: { "x-tag": { exact: "blue" } } }, false],
  ["a query parameter", { queryParams: { color: { exact: "red" } } }, true],
  ["a method", { method: { exact: "POST" } }, false],
  ["the gateway's port", { port: 443 }, false],
];

for (const [sentence, match, fits] of cases) {
  test(sentence, () => assert.equal(matches(match, facts), fits));
}
