import assert from "node:assert/strict";
import { compressionAlgorithms, status } from "@grpc/grpc-js";
import type { Group, NamedCase } from "../case.ts";
import { EchoClient, type GrpcContainer, startGrpcContainer } from "../grpc-service.ts";
import type { StartSubject, Subject } from "../subject.ts";

interface Scene {
  readonly subject: Subject;
  readonly container: GrpcContainer;
  readonly client: EchoClient;
}

interface GrpcCase extends NamedCase {
  readonly run: (scene: Scene) => Promise<void>;
}

const anything = Buffer.from([0, 1, 0xff, 0xfe, 13, 10]);

const cases: readonly GrpcCase[] = [
  {
    name: "unary: one message each way",
    async run({ client }) {
      const { code, messages } = await client.unary("hello");
      assert.equal(code, status.OK);
      assert.deepEqual(messages, [Buffer.from("hello")]);
    },
  },
  {
    name: "unary: an empty message",
    async run({ client }) {
      assert.deepEqual((await client.unary("")).messages, [Buffer.alloc(0)]);
    },
  },
  {
    name: "unary: ten megabytes each way",
    async run({ client }) {
      const message = Buffer.alloc(10_000_000, "0123456789abcdef");
      const { messages } = await client.unary(message);
      assert.ok(messages[0]?.equals(message));
    },
  },
  {
    name: "unary: a thousand calls at once over one connection",
    async run({ client }) {
      const results = await Promise.all(Array.from({ length: 1000 }, (_, index) => client.unary(`call ${index}`)));
      for (const [index, { code, messages }] of results.entries()) {
        assert.equal(code, status.OK);
        assert.equal(String(messages[0]), `call ${index}`);
      }
    },
  },
  {
    name: "client streaming: a thousand messages up",
    async run({ client }) {
      const parts = Array.from({ length: 1000 }, (_, index) => `part ${index};`);
      assert.equal(String((await client.collect(parts)).messages[0]), parts.join(""));
    },
  },
  {
    name: "client streaming: the container fails before the stream is over",
    async run({ client }) {
      const { code } = await client.collect([Buffer.alloc(500_000), "x"], { metadata: { fail: "8" } });
      assert.equal(code, status.RESOURCE_EXHAUSTED);
    },
  },
  {
    name: "server streaming: a thousand messages down",
    async run({ client }) {
      const { messages, code } = await client.repeat("again", { metadata: { count: "1000" } });
      assert.equal(code, status.OK);
      assert.equal(messages.length, 1000);
      assert.ok(messages.every((message) => String(message) === "again"));
    },
  },
  {
    name: "server streaming: an error after some messages",
    async run({ client }) {
      const { messages, code, details } = await client.repeat("again", { metadata: { count: "3", fail: "10" } });
      assert.equal(messages.length, 3);
      assert.equal(code, status.ABORTED);
      assert.equal(details, "no: ä & 100%");
    },
  },
  {
    name: "server streaming: a client that reads slowly gets everything",
    async run({ client }) {
      const call = client.startRepeat(Buffer.alloc(100_000, 7), { metadata: { count: "100" } });
      let received = 0;
      for await (const message of call) {
        received += message.length;
        if (received % 1_000_000 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.equal(received, 10_000_000);
    },
  },
  {
    name: "bidirectional: each message is answered before the next is sent",
    async run({ client }) {
      const call = client.chat();
      for (const text of ["one", "two", "three"]) {
        const answered = new Promise<Buffer>((resolve) => call.once("data", resolve));
        call.write(Buffer.from(text));
        assert.equal(String(await answered), text);
      }
      const ended = new Promise<{ code: number }>((resolve) => call.once("status", resolve));
      call.end();
      call.resume();
      assert.equal((await ended).code, status.OK);
    },
  },
  {
    name: "bidirectional: the container ends first",
    differs: "upstream tells the client only when the client has ended its half as well",
    async run({ client }) {
      const call = client.chat({ metadata: { "stop-after": "1" } });
      const ended = new Promise<{ code: number }>((resolve) => call.once("status", resolve));
      call.write(Buffer.from("x"));
      call.resume();
      assert.equal((await ended).code, status.OK);
    },
  },
  {
    name: "bidirectional: a hundred conversations at once",
    async run({ client }) {
      const talk = async (name: number) => {
        const call = client.chat();
        for (let turn = 0; turn < 5; turn++) {
          const answered = new Promise<Buffer>((resolve) => call.once("data", resolve));
          call.write(Buffer.from(`${name}/${turn}`));
          assert.equal(String(await answered), `${name}/${turn}`);
        }
        const ended = new Promise<{ code: number }>((resolve) => call.once("status", resolve));
        call.end();
        call.resume();
        assert.equal((await ended).code, status.OK);
      };
      await Promise.all(Array.from({ length: 100 }, (_, index) => talk(index)));
    },
  },
  {
    name: "metadata: text, repeated, and binary, up and down, with head and trailers",
    async run({ client, container }) {
      const metadata = {
        "x-text": "value, with; signs",
        "x-many": ["1", "2"],
        "x-bytes-bin": anything,
        "t-text": "later",
        "t-bytes-bin": anything,
        "only-up-bin": anything,
      };
      const { head, trailers } = await client.unary("x", { metadata });
      assert.deepEqual(container.metadata.get("only-up-bin"), [anything]);
      assert.deepEqual(head?.get("x-text"), ["value, with; signs"]);
      assert.equal(head?.get("x-many").join(", "), "1, 2");
      assert.deepEqual(head?.get("x-bytes-bin"), [anything]);
      assert.deepEqual(trailers.get("t-text"), ["later"]);
      assert.deepEqual(trailers.get("t-bytes-bin"), [anything]);
    },
  },
  {
    name: "metadata: te: trailers and the user agent reach the container",
    async run({ client, container }) {
      await client.unary("x");
      assert.match(String(container.metadata.get("user-agent")), /^grpc-node-js\//);
    },
  },
  {
    name: "metadata: sixty kilobytes",
    async run({ client }) {
      const big = "m".repeat(30_000);
      const { head, code } = await client.unary("x", { metadata: { "x-a": big, "x-b": big } });
      assert.equal(code, status.OK);
      assert.equal(String(head?.get("x-b")).length, 30_000);
    },
  },
  {
    name: "an answer of trailers alone: code, message, metadata",
    async run({ client }) {
      const { code, details, trailers } = await client.unary("x", { metadata: { fail: "5", "t-why-bin": anything } });
      assert.equal(code, status.NOT_FOUND);
      assert.equal(details, "no: ä & 100%");
      assert.deepEqual(trailers.get("t-why-bin"), [anything]);
    },
  },
  {
    name: "a method that the container does not have",
    async run({ client }) {
      assert.equal((await client.unknown()).code, status.UNIMPLEMENTED);
    },
  },
  {
    name: "deadline: it reaches the container, which learns when the client gives up",
    async run({ client, container }) {
      const before = container.cancelled;
      const { code } = await client.unary("x", { deadlineMs: 150, metadata: { hang: "1" } });
      assert.equal(code, status.DEADLINE_EXCEEDED);
      await until(() => container.cancelled === before + 1);
    },
  },
  {
    name: "cancellation: the container learns of it, other calls go on",
    async run({ client, container }) {
      const before = container.cancelled;
      const other = client.chat();
      const call = client.startRepeat(Buffer.alloc(10_000), { metadata: { count: "100000" } });
      const ended = new Promise<{ code: number }>((resolve) => call.once("status", resolve));
      call.on("error", () => {});
      await new Promise((resolve) => call.once("data", resolve));
      call.cancel();
      assert.equal((await ended).code, status.CANCELLED);
      await until(() => container.cancelled === before + 1);
      const answered = new Promise<Buffer>((resolve) => other.once("data", resolve));
      other.write(Buffer.from("still here"));
      assert.equal(String(await answered), "still here");
      other.cancel();
    },
  },
  {
    name: "cancellation: two hundred calls at once, three times, and the connection stays",
    async run({ client, container }) {
      for (let turn = 0; turn < 3; turn++) {
        const before = container.cancelled;
        const calls = Array.from({ length: 200 }, () => client.chat());
        for (const call of calls) call.write(Buffer.from("x"));
        await Promise.all(calls.map((call) => new Promise((resolve) => call.once("data", resolve))));
        for (const call of calls) call.cancel();
        await until(() => container.cancelled >= before + 200);
      }
      assert.equal((await client.unary("after")).code, status.OK);
    },
  },
  {
    name: "compressed messages pass as they are",
    async run({ subject }) {
      const client = new EchoClient(subject.ports.main, {
        "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
      });
      try {
        assert.equal((await client.unary("z".repeat(10_000))).messages[0]?.length, 10_000);
      } finally {
        client.close();
      }
    },
  },
  {
    name: "a client that keeps its connection alive by pings is answered",
    async run({ subject }) {
      const client = new EchoClient(subject.ports.main, {
        "grpc.keepalive_time_ms": 50,
        "grpc.keepalive_timeout_ms": 1000,
      });
      try {
        const call = client.chat();
        const answered = new Promise((resolve) => call.once("data", resolve));
        call.write(Buffer.from("x"));
        await answered;
        await new Promise((resolve) => setTimeout(resolve, 300));
        const again = new Promise<Buffer>((resolve) => call.once("data", resolve));
        call.write(Buffer.from("y"));
        assert.equal(String(await again), "y");
        call.cancel();
      } finally {
        client.close();
      }
    },
  },
  {
    name: "a container that is gone: UNAVAILABLE, for the call under way and for the next",
    differs: "upstream tells the client only when the client has ended its half as well",
    async run({ client, container }) {
      const call = client.chat();
      const ended = new Promise<{ code: number }>((resolve) => call.once("status", resolve));
      const answered = new Promise((resolve) => call.once("data", resolve));
      call.write(Buffer.from("x"));
      await answered;
      call.resume();
      container.stop();
      assert.notEqual((await ended).code, status.OK);
      assert.equal((await client.unary("x")).code, status.UNAVAILABLE);
    },
  },
];

/** gRPC by grpc-js's client and server. The last case ends the container. */
export const grpc: Group<GrpcCase> = {
  name: "gRPC",
  cases,
  open: (start) => open(start, { CONTAINER_CONCURRENCY: "0" }),
};

const queueCases: readonly GrpcCase[] = [
  {
    name: "a call for which there is no place in the queue is UNAVAILABLE, the others are answered in turn",
    async run({ client }) {
      const first = client.chat();
      const answered = new Promise((resolve) => first.once("data", resolve));
      first.write(Buffer.from("x"));
      await answered;
      const results = Promise.all(Array.from({ length: 11 }, () => client.unary("x")));
      // The eleventh is refused while the others wait for the slot.
      const refused = await Promise.race([results, new Promise((resolve) => setTimeout(resolve, 200))]);
      assert.equal(refused, undefined);
      first.end();
      first.resume();
      const codes = (await results).map(({ code }) => code);
      assert.equal(codes.filter((code) => code === status.OK).length, 10);
      assert.equal(codes.filter((code) => code === status.UNAVAILABLE).length, 1);
    },
  },
];

/** gRPC with one slot. */
export const grpcQueue: Group<GrpcCase> = {
  name: "gRPC and a full queue",
  cases: queueCases,
  open: (start) => open(start, { CONTAINER_CONCURRENCY: "1" }),
};

const limitCases: readonly GrpcCase[] = [
  {
    name: "a call that the container does not begin to answer in time is UNAVAILABLE (504), and the container learns of it",
    async run({ client, container }) {
      const before = container.cancelled;
      const { code, details } = await client.unary("x", { metadata: { hang: "1" } });
      assert.equal(code, status.UNAVAILABLE);
      assert.match(details, /504/);
      await until(() => container.cancelled === before + 1);
    },
  },
  {
    name: "a stream that has begun outlives the time limit",
    async run({ client }) {
      const call = client.chat();
      for (const text of ["one", "two"]) {
        const answered = new Promise<Buffer>((resolve) => call.once("data", resolve));
        call.write(Buffer.from(text));
        assert.equal(String(await answered), text);
        await new Promise((resolve) => setTimeout(resolve, 700));
      }
      const ended = new Promise<{ code: number }>((resolve) => call.once("status", resolve));
      call.end();
      call.resume();
      assert.equal((await ended).code, status.OK);
    },
  },
];

/** gRPC with a time limit of one second. */
export const grpcLimits: Group<GrpcCase> = {
  name: "gRPC and the time limit",
  cases: limitCases,
  open: (start) => open(start, { CONTAINER_CONCURRENCY: "0", REVISION_TIMEOUT_SECONDS: "1" }),
};

async function open(start: StartSubject, environment: Record<string, string>) {
  const container = await startGrpcContainer();
  const subject = await start(environment, container.port);
  const client = new EchoClient(subject.ports.main);
  return {
    run: (one: GrpcCase) => one.run({ subject, container, client }),
    async close() {
      client.close();
      await subject.stop();
      container.stop();
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
