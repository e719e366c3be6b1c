import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Node } from "../../apis/core/node.ts";
import { messageOf } from "../../lib/error-message.ts";
import type { Locate, SocketAddress } from "../../lib/locate.ts";
import { writeTo } from "../write-to.ts";
import type { Call } from "./call.ts";
import type { Item } from "./resource.ts";
import { badRequest, statusError } from "./status-errors.ts";
import type { StorageReader } from "./storage.ts";
import type { ExecRequest } from "./streaming/exec.ts";
import type { Fields } from "./typed-values.ts";

/**
 * The way to the node agent, for what only a pod's node can answer. The contract with the agent (src/cluster/node):
 * - Node.status.daemonEndpoints.kubeletEndpoint.Port and the InternalIP of status.addresses say where it listens (HTTP).
 * - GET /containerLogs/{namespace}/{pod}/{container}?follow=&previous=&tailLines=&sinceSeconds=&timestamps=&limitBytes=
 *   answers the log as text/plain, chunked, until its end (or for ever with follow=true).
 * - GET /portForward/{namespace}/{pod}?port=N with "Connection: Upgrade, Upgrade: tcp" answers 101 and then carries the
 *   bytes of one connection to that port of the pod.
 * - GET /exec/{namespace}/{pod}/{container}?command=&command=&input=&terminal= with "Connection: Upgrade, Upgrade: exec"
 *   answers 101 and then carries frames (see cluster/exec-frames.ts).
 */
export interface NodeProxy {
  log(pod: Item, call: Call, response: ServerResponse): Promise<void>;
  /** Opens a byte stream to a port of a pod. */
  connect(pod: Item, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Starts a command in a container of a pod. Throws ApiError when there is no such container. */
  exec(pod: Item, request: ExecRequest): Promise<Duplex>;
  /** Answers a request for a streaming subresource that is not an upgrade, or not known. Always throws. */
  refuse(subresource: string): never;
}

export function createNodeProxy(storage: StorageReader, locate: Locate): NodeProxy {
  const agentOf = (pod: Item) => locate(agentAddress(storage, pod));
  return {
    log: (pod, call, response) => proxyLog(agentOf, pod, call, response),
    connect: (pod, port, signal) => {
      const { namespace = "", name } = pod.metadata;
      return upgrade(agentOf(pod), `/portForward/${namespace}/${name}?port=${port}`, "tcp", signal);
    },
    exec: (pod, request) => startCommand(agentOf(pod), pod, request),
    refuse(subresource) {
      if (subresource !== "attach") throw badRequest("Upgrade request required");
      throw statusError(
        501,
        "NotImplemented",
        `${subresource} is not supported by the embedded cluster: its containers are local processes; use kubectl logs or kubectl exec`,
      );
    },
  };
}

type AgentOf = (pod: Item) => SocketAddress;

const logOptions = ["follow", "previous", "tailLines", "sinceSeconds", "sinceTime", "timestamps", "limitBytes"];

async function proxyLog(agentOf: AgentOf, pod: Item, call: Call, response: ServerResponse): Promise<void> {
  const container = containerOf(pod, call.query.get("container") ?? "");
  const { namespace = "", name } = pod.metadata;
  const query = new URLSearchParams();
  for (const option of logOptions) {
    const value = call.query.get(option);
    if (value !== null) query.set(option, value);
  }
  const path = `/containerLogs/${namespace}/${name}/${container}?${query}`;
  const upstream = await ask(agentOf, pod, path, {}, call.signal);
  if (upstream.statusCode !== 200) {
    const text = await textOf(upstream);
    throw statusError(
      upstream.statusCode === 404 ? 404 : 400,
      upstream.statusCode === 404 ? "NotFound" : "BadRequest",
      text.trim(),
    );
  }
  response.writeHead(200, { "content-type": "text/plain" });
  response.flushHeaders();
  response.once("close", () => upstream.destroy());
  for await (const chunk of upstream) {
    await writeTo(response, chunk);
    if (response.destroyed) return;
  }
  response.end();
}

/** The container that is meant: the named one, or the only one. Throws 400 in the real server's words. */
function containerOf(pod: Item, named: string): string {
  const namesOf = (field: string) =>
    ((pod.spec?.[field] as Fields[] | undefined) ?? []).map((container) => String(container["name"]));
  const containers = namesOf("containers");
  const others = [...namesOf("initContainers"), ...namesOf("ephemeralContainers")];
  if (named !== "") {
    if (containers.includes(named) || others.includes(named)) return named;
    throw badRequest(`container ${named} is not valid for pod ${pod.metadata.name}`);
  }
  if (containers.length === 1) return containers[0]!;
  const wanted = pod.metadata.annotations?.["kubectl.kubernetes.io/default-container"];
  if (wanted && containers.includes(wanted)) return wanted;
  throw badRequest(
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${containers.join(" ")}]`,
  );
}

async function startCommand(agent: SocketAddress, pod: Item, request: ExecRequest): Promise<Duplex> {
  const { namespace = "", name } = pod.metadata;
  const container = containerOf(pod, request.container);
  const query = new URLSearchParams({ input: String(request.input), terminal: String(request.terminal) });
  for (const word of request.command) query.append("command", word);
  try {
    return await upgrade(agent, `/exec/${namespace}/${name}/${container}?${query}`, "exec");
  } catch (error) {
    throw statusError(500, "InternalError", `unable to upgrade connection: ${messageOf(error)}`);
  }
}

/** Asks the agent for another protocol. Rejects with the agent's words when it refuses. */
function upgrade(agent: SocketAddress, path: string, protocol: string, signal?: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...agent,
      path,
      headers: { connection: "Upgrade", upgrade: protocol },
      ...(signal && { signal }),
    });
    request.once("upgrade", (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once("response", (response) => {
      textOf(response).then(
        (text) => reject(new Error(text.trim() || `the node answered ${response.statusCode}`)),
        reject,
      );
    });
    request.once("error", reject);
    request.end();
  });
}

function ask(
  agentOf: AgentOf,
  pod: Item,
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...agentOf(pod), path, headers, signal }, resolve);
    request.once("error", (error) =>
      reject(statusError(502, "BadGateway", `cannot reach the node of pod ${pod.metadata.name}: ${error.message}`)),
    );
    request.end();
  });
}

/** Where the agent of a pod's node listens. Throws 400 for a pod without a node, 503 for a node without an agent. */
function agentAddress(storage: StorageReader, pod: Item): SocketAddress {
  const name = pod.spec?.["nodeName"];
  if (typeof name !== "string" || name === "")
    throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const node = storage.get("nodes", "", name)?.object as Node | undefined;
  const host = node?.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
  const port = node?.status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (!host || !port) throw statusError(503, "ServiceUnavailable", `node ${name} has no agent that could be asked`);
  return { host, port };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}
