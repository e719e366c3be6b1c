import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { type BodyBudget, BodyTooLargeError, readBody } from "./body.ts";

/** A request as far as it is read here, whose body a test sends. */
function makeRequest(headers: IncomingMessage["headers"] = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage;
}

const makeBudget = (totalBytes = 100): BodyBudget => ({ largestBytes: 10, totalBytes, usedBytes: 0 });

/** The body, or the message of the error. */
async function said(body: Promise<Buffer>): Promise<string> {
  return body.then(String, (error: Error) => `${error instanceof BodyTooLargeError ? "413 " : ""}${error.message}`);
}

for (const [name, chunks, expected] of [
  ["in one piece", ["whole"], "whole"],
  ["in pieces", ["in ", "parts"], "in parts"],
  ["that is empty", [], ""],
  ["as large as may be", ["12345", "67890"], "1234567890"],
  ["larger than may be", ["12345", "678901"], "413 the body has more than 10 bytes"],
  ["far larger than may be", ["12345678901", "x", "y"], "413 the body has more than 10 bytes"],
] as const) {
  test(`a body ${name}: ${expected}`, async () => {
    const request = makeRequest();
    const budget = makeBudget();
    const body = said(readBody(request, budget));
    for (const chunk of chunks) request.write(chunk);
    request.end();
    assert.equal(await body, expected);
    assert.equal(budget.usedBytes, 0, "nothing is held any more");
  });
}

test("a body that says that it is too large is not read", async () => {
  const request = makeRequest({ "content-length": "11" });
  assert.equal(await said(readBody(request, makeBudget())), "413 the body has 11 bytes; 10 are the most");
  assert.equal(request.listenerCount("data"), 0);
});

test("all bodies under way share what they may hold, and give it back", async () => {
  const budget = makeBudget(15);
  const [first, second, third] = [makeRequest(), makeRequest(), makeRequest()];
  const held = said(readBody(first, budget));
  first.write("1234567890");
  const refused = said(readBody(second, budget));
  second.write("123456");
  assert.equal(await refused, "413 too many large requests at a time");
  assert.equal(budget.usedBytes, 10);
  second.write("more of it");
  first.end();
  assert.equal(await held, "1234567890");
  assert.equal(budget.usedBytes, 0);
  const later = said(readBody(third, budget));
  third.end("123456");
  assert.equal(await later, "123456");
});

for (const [name, cause, expected] of [
  ["closes", undefined, "the connection broke before the body was complete"],
  ["breaks", new Error("ECONNRESET"), "ECONNRESET"],
] as const) {
  test(`a connection that ${name} midway is told, and nothing is held any more`, async () => {
    const request = makeRequest();
    const budget = makeBudget();
    const body = said(readBody(request, budget));
    request.write("half");
    request.destroy(cause);
    assert.equal(await body, expected);
    assert.equal(budget.usedBytes, 0);
  });
}
