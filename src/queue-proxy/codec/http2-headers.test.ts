import assert from "node:assert/strict";
import { test } from "node:test";
import { Http2Headers } from "./http2-headers.ts";

type Fields = readonly (readonly [name: string, value: string])[];

function take(fields: Fields, limit = 1000): Http2Headers {
  const headers = new Http2Headers(limit);
  for (const [name, value] of fields) headers.take(name, value);
  return headers;
}

const refused: readonly [string, Fields, RegExp][] = [
  [
    "a pseudo-header after a header",
    [
      ["x", "1"],
      [":path", "/"],
    ],
    /unexpected :path/,
  ],
  [
    "a pseudo-header after the host",
    [
      ["host", "a"],
      [":path", "/"],
    ],
    /unexpected :path/,
  ],
  [
    "a pseudo-header after the length",
    [
      ["content-length", "1"],
      [":path", "/"],
    ],
    /unexpected :path/,
  ],
  [
    "a pseudo-header twice",
    [
      [":path", "/"],
      [":path", "/"],
    ],
    /unexpected :path/,
  ],
  ["an unknown pseudo-header", [[":x", "1"]], /unexpected :x/],
  ["a name with capitals", [["X", "1"]], /invalid header name/],
  ["a name with a blank", [["x y", "1"]], /invalid header name/],
  ["a value with a line feed", [["x", "a\nb"]], /invalid value of x/],
  ["a value with a zero byte", [["x", "a\0"]], /invalid value of x/],
  ["a length that is none", [["content-length", "1x"]], /bad content-length/],
  ["a negative length", [["content-length", "-1"]], /bad content-length/],
  [
    "two lengths",
    [
      ["content-length", "1"],
      ["content-length", "2"],
    ],
    /bad content-length/,
  ],
  [
    "two hosts",
    [
      ["host", "a"],
      ["host", "a"],
    ],
    /too many host headers/,
  ],
  ["a header of the connection", [["connection", "close"]], /connection-specific header connection/],
  ["another framing", [["transfer-encoding", "chunked"]], /connection-specific header transfer-encoding/],
  ["a coding of transfer", [["te", "gzip"]], /connection-specific header te/],
];
for (const [name, fields, reason] of refused) {
  test(`${name} is malformed, whatever follows`, () => {
    assert.match(take([...fields, ["y", "2"]]).malformed ?? "", reason);
  });
}

test("what is well-formed is sorted into pseudo-headers, framing and the rest", () => {
  const taken = take([
    [":path", "/"],
    ["host", "a"],
    ["content-length", "7"],
    ["content-length", "7"],
    ["te", "trailers"],
    ["cookie", "a=1"],
    ["cookie", "b=2"],
    ["x", "\xe4"],
  ]);
  assert.equal(taken.malformed, undefined);
  assert.deepEqual([taken.path, taken.host, taken.contentLength], ["/", "a", 7]);
  assert.deepEqual(taken.headers.values, ["trailers", "a=1; b=2", "\xe4"]);
  assert.deepEqual([taken.bodyLength(false), taken.bodyLength(true)], [7, 0]);
});

test("beyond the limit fields are counted, but not kept", () => {
  const fields: Fields = [
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
  ];
  const taken = take(fields, 68);
  assert.equal(taken.size, 102);
  assert.deepEqual(taken.headers.values, ["1", "2"]);
});
