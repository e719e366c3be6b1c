import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList, headerName, names } from "./codec/headers.ts";
import { clientAddress, makeOutgoing } from "./outgoing.ts";

test("names that Connection lists are removed also when a client has filled the table of interned names", () => {
  for (let index = 0; index < 3000; index++) headerName(`X-Filler-${index}`);
  const headers = new HeaderList();
  headers.add(names.connection, "x-RARE-name");
  headers.add(headerName("X-Rare-Name")!, "1");
  headers.add(headerName("X-Other-Rare-Name")!, "2");
  const outgoing = makeOutgoing(
    {
      method: "GET",
      target: "/",
      requestUri: "/",
      host: "h",
      protocol: "HTTP/1.1",
      headers,
      bodyLength: 0,
      upgrade: undefined,
      secure: false,
      remoteAddress: "[::1]:80",
    },
    headers,
    "default",
  );
  assert.deepEqual(outgoing.headers.values, ["2", "::1"]);
});

test("an address loses its port and brackets", () => {
  assert.equal(clientAddress("10.0.0.1:80"), "10.0.0.1");
  assert.equal(clientAddress("[fe80::1]:80"), "fe80::1");
});
