import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import type { Status } from "../../apis/meta.ts";
import { systemClock } from "../../lib/clock.ts";
import { createAgentWorld, mainOf } from "./agent-world.ts";

const withoutKubectl = spawnSync("kubectl", ["version", "--client"]).error && "kubectl is not on this machine";
const withoutScript = spawnSync("script", ["--version"]).error && "script is not on this machine";

describe("commands in containers", () => {
  const world = createAgentWorld(systemClock);
  before(async () => {
    await world.start();
    writeFileSync(join(world.work, "kubeconfig"), world.api.adminKubeconfig);
    const env = [{ name: "COLOUR", value: "blue" }];
    await world.run("busy", [world.sh("exec sleep 1000", { env })]);
    await world.until("busy", "running", (pod) => mainOf(pod).state?.running !== undefined);
  });
  after(world.stop);

  /** Opens a command as kubectl does. */
  const open = async (query: string, protocol = "v5.channel.k8s.io", pod = "busy") => {
    const { server, ca, token } = world.api.loopbackClientConfig;
    const url = `${server.replace("https", "wss")}/api/v1/namespaces/default/pods/${pod}/exec?${query}`;
    const socket = new WebSocket(url, protocol, { ca, headers: { authorization: `Bearer ${token}` } });
    const texts = ["", "", "", "", ""];
    socket.on("message", (data: Buffer) => {
      texts[data[0]!] += String(data.subarray(1));
    });
    return { socket, texts };
  };
  const words = (...command: string[]) => command.map((word) => `command=${encodeURIComponent(word)}`).join("&");
  const shell = (script: string) => words("/bin/sh", "-c", script);
  const outputs = "stdout=true&stderr=true";

  interface Ended {
    readonly output: string;
    readonly errors: string;
    readonly status: Status;
  }
  /** Runs a command to its end, with `input` if there is any. */
  const runs = async (query: string, input?: string, protocol?: string): Promise<Ended> => {
    const { socket, texts } = await open(query, protocol);
    await once(socket, "open");
    if (input !== undefined) {
      socket.send(Buffer.concat([Buffer.of(0), Buffer.from(input)]));
      socket.send(Buffer.of(255, 0));
    }
    await once(socket, "close");
    return { output: texts[1]!, errors: texts[2]!, status: JSON.parse(texts[3]!) as Status };
  };
  /** The status of a request that is not upgraded. */
  const refused = async (query: string, pod = "busy"): Promise<string> => {
    const { socket } = await open(query, undefined, pod);
    socket.on("error", () => {});
    const [, response] = await once(socket, "unexpected-response");
    let text = "";
    for await (const chunk of response) text += String(chunk);
    const { code, message } = JSON.parse(text) as Status;
    return `${code} ${message}`;
  };

  const cases: [
    name: string,
    query: string,
    input: string | undefined,
    output: string,
    errors: string,
    code: number,
  ][] = [
    ["says what it says", `${outputs}&${words("echo", "a b")}`, undefined, "a b\n", "", 0],
    ["has the container's environment", `${outputs}&${shell("echo $COLOUR")}`, undefined, "blue\n", "", 0],
    ["keeps errors apart", `${outputs}&${shell("echo out; echo err >&2")}`, undefined, "out\n", "err\n", 0],
    ["ends with its code", `${outputs}&${shell("exit 3")}`, undefined, "", "", 3],
    ["ends by a signal", `${outputs}&${shell("kill -TERM $$")}`, undefined, "", "", 143],
    ["reads its input to the end", `stdin=true&${outputs}&${words("tr", "a", "b")}`, "banana", "bbnbnb", "", 0],
    ["need not read its input", `stdin=true&${outputs}&${words("true")}`, "x".repeat(300_000), "", "", 0],
    ["says only what is asked for", `stdout=true&${shell("echo out; echo err >&2")}`, undefined, "out\n", "", 0],
    ["does not wait for what it leaves running", `${outputs}&${shell("sleep 60 & echo on")}`, undefined, "on\n", "", 0],
  ];
  for (const [name, query, input, output, errors, code] of cases) {
    it(`one ${name}`, async () => {
      const ended = await runs(query, input);
      assert.deepEqual([ended.output, ended.errors], [output, errors]);
      if (code === 0) assert.equal(ended.status.status, "Success");
      else {
        assert.equal(ended.status.reason, "NonZeroExitCode");
        assert.deepEqual(ended.status.details?.causes, [{ reason: "ExitCode", message: String(code) }]);
      }
    });
  }

  it("a client of the protocol before is understood", async () => {
    assert.equal((await runs(`${outputs}&${words("echo", "hi")}`, undefined, "v4.channel.k8s.io")).output, "hi\n");
  });

  it("more than a connection holds comes through whole, both ways", async () => {
    const input = "0123456789abcdef".repeat(100_000);
    assert.equal((await runs(`stdin=true&${outputs}&${words("cat")}`, input)).output, input);
  });

  it("a program that is not there is told of", async () => {
    const { message } = (await runs(`${outputs}&${words("no-such-program")}`)).status;
    assert.match(
      message ?? "",
      /error executing command in container: exec: "no-such-program": executable file not found/,
    );
  });

  const refusals: [name: string, query: string, message: RegExp][] = [
    ["no command", outputs, /^400 .*at least one command/],
    ["nothing to say it to", words("true"), /^400 .*at least 1 of stdin, stdout, stderr/],
    [
      "another container",
      `container=other&${outputs}&${words("true")}`,
      /^400 container other is not valid for pod busy$/,
    ],
  ];
  for (const [name, query, message] of refusals) {
    it(`${name}: refused`, async () => assert.match(await refused(query), message));
  }

  it("a container that does not run: refused", async () => {
    await world.run("done", [world.sh("true")], { restartPolicy: "Never" });
    await world.ended("done");
    assert.match(
      await refused(`${outputs}&${words("true")}`, "done"),
      /^500 unable to upgrade connection: container not found \("main"\)$/,
    );
  });

  it("a terminal has the client's size, and one output", { skip: withoutScript }, async () => {
    const { socket, texts } = await open(`${outputs}&stdin=true&tty=true&${shell("tty; stty size >&2; echo $TERM")}`);
    await once(socket, "open");
    socket.send(Buffer.concat([Buffer.of(4), Buffer.from('{"Width":101,"Height":33}')]));
    await once(socket, "close");
    assert.match(texts[1]!, /^\/dev\/\S+\r\n33 101\r\nxterm\r\n$/);
    assert.equal(texts[2], "");
  });

  it("a command ends with its client", async () => {
    const { socket, texts } = await open(`${outputs}&${shell("echo $$; exec sleep 1001")}`);
    await once(socket, "open");
    while (!texts[1]!.includes("\n")) await once(socket, "message");
    const pid = Number(texts[1]);
    assert.ok(isAlive(pid));
    socket.terminate();
    await world.until("busy", "without the command", () => !isAlive(pid));
  });

  it("a command ends with its container", async () => {
    await world.run("short", [world.sh("exec sleep 1000")]);
    await world.until("short", "running", (pod) => mainOf(pod).state?.running !== undefined);
    const { socket, texts } = await open(`${outputs}&${shell("exec sleep 1002")}`, undefined, "short");
    await once(socket, "open");
    await world.delete("short");
    if (socket.readyState !== socket.CLOSED) await once(socket, "close");
    assert.match(texts[3]!, /"ExitCode","message":"137"/);
  });

  for (const [protocol, webSockets] of [
    ["a WebSocket", "true"],
    ["SPDY", "false"],
  ] as const) {
    it(`kubectl runs commands by ${protocol}`, { skip: withoutKubectl }, async () => {
      const kubectl = (input: string, ...args: string[]) =>
        new Promise<string>((resolve) => {
          const env = {
            ...process.env,
            KUBECONFIG: join(world.work, "kubeconfig"),
            KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets,
          };
          const child = execFile("kubectl", args, { env, timeout: 30_000 }, (error, stdout, stderr) =>
            resolve(`${error?.code ?? 0} ${stdout}${stderr}`),
          );
          child.stdin!.end(input);
        });
      assert.equal(await kubectl("", "exec", "busy", "--", "/bin/sh", "-c", "echo $COLOUR"), "0 blue\n");
      assert.equal(await kubectl("abc", "exec", "-i", "busy", "--", "tr", "a", "b"), "0 bbc");
      assert.equal(
        await kubectl("", "exec", "busy", "--", "/bin/sh", "-c", "echo no >&2; exit 7"),
        "7 no\ncommand terminated with exit code 7\n",
      );
      assert.match(
        await kubectl("", "exec", "busy", "--", "nothing-like-it"),
        /^1 error: Internal error occurred: error executing command in container: exec: "nothing-like-it"/,
      );
    });
  }
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
