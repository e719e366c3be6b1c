import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { makeCustomResourceDefinition } from "../../src/apis/crd.ts";
import { crdKinds } from "../../src/apis/kinds.ts";
import { type ScratchServer, startScratchServer } from "./scratch-server.ts";

const lacking = spawnSync("kubectl", ["version", "--client"]).error && "kubectl is not on this machine";
const run = promisify(execFile);

const deployment = (image: string, more = "") => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web${more}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "${image}", ports: [{containerPort: 80}]}]}
`;

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, description: What it is., properties: {size: {type: integer, description: How big it is.}}}
`;

describe("kubectl", { skip: lacking }, () => {
  let scratch: ScratchServer;
  let echo: Server;
  let agent: Server;

  /** Runs kubectl, with `input` as its standard input, and resolves with what it printed. */
  const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
    const child = run("kubectl", args, { env: environment(), timeout: 30_000 });
    child.child.stdin?.end(input ?? "");
    return (await child).stdout;
  };
  const refused = async (args: readonly string[], input?: string): Promise<string> => {
    const error: unknown = await kubectl(args, input).then(
      () => assert.fail(`kubectl ${args.join(" ")} should have failed`),
      (failure: unknown) => failure,
    );
    return (error as { stderr: string }).stderr;
  };
  const environment = () => ({
    ...process.env,
    KUBECONFIG: join(scratch.dataDir, "kubeconfig"),
    KUBECACHEDIR: join(scratch.dataDir, "cache"),
  });

  before(async () => {
    scratch = await startScratchServer();
    writeFileSync(join(scratch.dataDir, "kubeconfig"), scratch.server.adminKubeconfig);
    echo = createServer((request, response) => response.end(`hello from ${request.url}`));
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
    agent = createServer((request, response) => response.end(`log of ${request.url}\n`));
    agent.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
      const target = connect((echo.address() as AddressInfo).port, "127.0.0.1");
      socket.pipe(target).pipe(socket);
      for (const side of [socket, target]) side.on("error", () => side.destroy());
    });
    await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
    await kubectl(["create", "serviceaccount", "default"]);
  });

  after(async () => {
    for (const server of [echo, agent]) {
      server.close();
      server.closeAllConnections();
    }
    await scratch.close();
  });

  test("apply creates, changes and prunes fields, and leaves alone what is the same", async () => {
    assert.equal(
      await kubectl(["apply", "-f", "-"], deployment("example.com/a:1", ", labels: {a: b}")),
      "deployment.apps/web created\n",
    );
    assert.equal(
      await kubectl(["apply", "-f", "-"], deployment("example.com/a:1", ", labels: {a: b}")),
      "deployment.apps/web unchanged\n",
    );
    assert.equal(
      await kubectl(["apply", "-f", "-"], deployment("example.com/a:2")),
      "deployment.apps/web configured\n",
    );
    const path = "{.metadata.labels} {.metadata.generation} {.spec.template.spec.containers[*].image}";
    assert.equal(await kubectl(["get", "deployment", "web", "-o", `jsonpath=${path}`]), " 2 example.com/a:2");
    assert.match(await kubectl(["diff", "-f", "-"], deployment("example.com/a:2")), /^$/);
  });

  test("server-side apply conflicts with other managers until it is forced", async () => {
    const manifest = deployment("example.com/a:3");
    const conflict = await refused(["apply", "--server-side", "--field-manager=other", "-f", "-"], manifest);
    assert.match(
      conflict,
      /conflict with "kubectl-client-side-apply" using apps\/v1: \.spec\.template\.spec\.containers\[name="c"\]\.image/,
    );
    const forced = await kubectl(
      ["apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-"],
      manifest,
    );
    assert.equal(forced, "deployment.apps/web serverside-applied\n");
  });

  test("unknown fields are refused, and warned of on request", async () => {
    const manifest = deployment("example.com/a:3").replace("replicas", "replicaz");
    assert.match(await refused(["apply", "-f", "-"], manifest), /unknown field "spec.replicaz"/);
    assert.equal(
      await kubectl(["apply", "--dry-run=server", "--validate=warn", "-f", "-"], manifest),
      "deployment.apps/web configured (server dry run)\n",
    );
  });

  test("generators that speak protobuf work", async () => {
    await kubectl(["create", "namespace", "made"]);
    await kubectl(["create", "configmap", "made", "--from-literal=a=b"]);
    await kubectl(["create", "secret", "generic", "made", "--from-literal=a=b"]);
    await kubectl(["create", "deployment", "made", "--image=example.com/i:1", "--replicas=0", "--port=80"]);
    await kubectl(["expose", "deployment", "made", "--port=80"]);
    await kubectl(["create", "role", "made", "--verb=get", "--resource=pods"]);
    await kubectl(["create", "rolebinding", "made", "--role=made", "--serviceaccount=default:default"]);
    assert.equal(
      await kubectl([
        "get",
        "deployment",
        "made",
        "-o",
        "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports}",
      ]),
      '0 [{"containerPort":80,"protocol":"TCP"}]',
    );
  });

  test("a service account's token may do what its role allows", async () => {
    const token = (await kubectl(["create", "token", "default"])).trim();
    const context = [
      "--kubeconfig",
      "/dev/null",
      "--server",
      scratch.server.url,
      "--token",
      token,
      "--certificate-authority",
      join(scratch.dataDir, "ca.crt"),
    ];
    writeFileSync(join(scratch.dataDir, "ca.crt"), scratch.server.caCertificate);
    assert.match(await kubectl(["auth", "whoami", ...context]), /system:serviceaccount:default:default/);
    assert.equal(await kubectl(["auth", "can-i", "get", "pods", ...context]), "yes\n");
    assert.match(
      await refused(["get", "secrets", ...context]),
      /secrets is forbidden: User "system:serviceaccount:default:default" cannot list resource "secrets" in API group "" in the namespace "default"/,
    );
  });

  test("tables, explanations and custom resources", async () => {
    await kubectl(["apply", "-f", "-"], definition);
    await kubectl(["wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=10s"]);
    await kubectl(
      ["apply", "-f", "-"],
      "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 3}",
    );
    assert.match(await kubectl(["get", "wd"]), /^NAME +AGE\nw +\d+s\n$/);
    assert.match(await kubectl(["explain", "widget.spec.size"]), /How big it is\./);
    assert.match(
      await kubectl(["get", "deployments", "-o", "wide"]),
      /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\n/,
    );
    assert.match(await kubectl(["api-resources"]), /widgets +wd +example.com\/v1 +true +Widget/);
    await kubectl(["delete", "crd", "widgets.example.com"]);
    assert.match(
      await refused(["get", "wd"]),
      /the server (could not find the requested resource|doesn't have a resource type "wd")/,
    );
  });

  test("what a Service may say can be read up", async () => {
    const service = crdKinds.find(({ shortNames }) => shortNames.includes("ksvc"))!;
    await kubectl(["apply", "-f", "-"], JSON.stringify(makeCustomResourceDefinition(service)));
    await kubectl(["wait", "--for=condition=Established", "crd/services.serving.knative.dev", "--timeout=10s"]);
    // Unlike explain, get has kubectl look for what came since it last asked.
    assert.equal(await kubectl(["get", "ksvc", "-o", "name"]), "");
    const explained = await kubectl(["explain", "ksvc.spec.template.spec"]);
    for (const field of ["containerConcurrency", "containers", "timeoutSeconds", "volumes"]) {
      // A name, its type, and at least a line of words.
      assert.match(explained, new RegExp(`\\n  ${field}\\t<[^>]+>[^\\n]*\\n    \\S[^\\n]+`), field);
    }
    await kubectl(["delete", "crd", "services.serving.knative.dev"]);
  });

  test("wait sees a change that happens later", async () => {
    await kubectl(["create", "configmap", "later", "--from-literal=a=1"]);
    const waiting = kubectl(["wait", "--for=jsonpath={.data.a}=2", "configmap/later", "--timeout=20s"]);
    await kubectl(["patch", "configmap", "later", "--type=merge", "-p", '{"data":{"a":"2"}}']);
    assert.equal(await waiting, "configmap/later condition met\n");
  });

  test("scale, patch, label, annotate and delete", async () => {
    assert.equal(await kubectl(["scale", "deployment/web", "--replicas=5"]), "deployment.apps/web scaled\n");
    assert.equal(await kubectl(["label", "deployment/web", "x=y"]), "deployment.apps/web labeled\n");
    assert.equal(await kubectl(["annotate", "deployment/web", "x=y"]), "deployment.apps/web annotated\n");
    assert.equal(
      await kubectl(["set", "image", "deployment/web", "c=example.com/a:9"]),
      "deployment.apps/web image updated\n",
    );
    assert.equal(
      await kubectl([
        "get",
        "deployment/web",
        "-o",
        "jsonpath={.spec.replicas} {.metadata.labels.x} {.spec.template.spec.containers[0].image}",
      ]),
      "5 y example.com/a:9",
    );
    assert.equal(await kubectl(["delete", "deployment", "web"]), 'deployment.apps "web" deleted\n');
  });

  test("logs and port-forward reach the node of a pod", async () => {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n" } };
    await kubectl(["create", "-f", "-"], JSON.stringify(node));
    const port = (agent.address() as AddressInfo).port;
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    await kubectl(["patch", "node", "n", "--subresource=status", "--type=merge", "-p", JSON.stringify({ status })]);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { nodeName: "n", containers: [{ name: "c", image: "i" }] },
    };
    await kubectl(["create", "-f", "-"], JSON.stringify(pod));
    await kubectl([
      "patch",
      "pod",
      "p",
      "--subresource=status",
      "--type=merge",
      "-p",
      '{"status":{"phase":"Running"}}',
    ]);
    assert.equal(await kubectl(["logs", "p", "--tail=3"]), "log of /containerLogs/default/p/c?tailLines=3\n");

    for (const webSockets of ["true", "false"]) await forwardThrough(webSockets);
    assert.match(await refused(["attach", "p"]), /not supported by the embedded cluster/);
  });

  /** Forwards a port by WebSockets or by bare SPDY, and sends requests through it side by side. */
  async function forwardThrough(webSockets: string): Promise<void> {
    const forward = spawn("kubectl", ["port-forward", "pod/p", ":8080"], {
      env: { ...environment(), KUBECTL_PORT_FORWARD_WEBSOCKETS: webSockets },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    forward.stderr.on("data", (chunk: Buffer) => {
      errors += String(chunk);
    });
    try {
      const [line] = (await once(forward.stdout, "data", { signal: AbortSignal.timeout(20_000) })) as [Buffer];
      const local = /127\.0\.0\.1:(\d+) -> 8080/.exec(String(line))?.[1];
      assert.ok(local, String(line));
      const answers = await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          const [response] = await once(
            get({ host: "127.0.0.1", port: local, path: `/${index}`, agent: false }),
            "response",
          );
          let text = "";
          for await (const chunk of response) text += String(chunk);
          return text;
        }),
      );
      assert.deepEqual(
        answers,
        Array.from({ length: 8 }, (_, index) => `hello from /${index}`),
      );
      assert.equal(errors, "");
    } finally {
      forward.kill();
      await once(forward, "exit");
    }
  }
});
