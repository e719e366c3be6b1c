import { messageOf } from "../lib/error-message.ts";
import { answerAdmit } from "./answer/admit.ts";
import { answerAutoscale, answerMetrics, answerWindows } from "./answer/autoscale.ts";
import { answerConfigMap } from "./answer/configmap.ts";
import { answerIngress } from "./answer/ingress.ts";
import { answerMake } from "./answer/make.ts";
import { answerGc, answerReconcile } from "./answer/reconcile.ts";
import { answerRollout, answerTraffic } from "./answer/traffic.ts";

/**
 * Answers requests on standard input, a line of JSON each, with what this project would do; what an op takes and gives
 * stands in src/main/answer/. Programs that speak the same can be compared, case by case.
 */
const ops: Readonly<Record<string, (request: never) => unknown>> = {
  admit: answerAdmit,
  autoscale: answerAutoscale,
  configmap: answerConfigMap,
  gc: answerGc,
  ingress: answerIngress,
  make: answerMake,
  metrics: answerMetrics,
  reconcile: answerReconcile,
  rollout: answerRollout,
  traffic: answerTraffic,
  windows: answerWindows,
};

interface Request {
  readonly id?: unknown;
  readonly op?: string;
}

for await (const line of linesOf(process.stdin)) {
  if (line.trim() !== "") process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}

/** Lines end at a newline only: JSON may hold other characters that readline takes for the end of a line. */
async function* linesOf(input: NodeJS.ReadStream): AsyncGenerator<string> {
  let rest = "";
  for await (const part of input.setEncoding("utf8")) {
    const lines = (rest + part).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  yield rest;
}

async function answer(line: string): Promise<unknown> {
  let request: Request = {};
  try {
    request = JSON.parse(line) as Request;
    const act = ops[request.op ?? ""];
    if (!act) throw new Error(`unknown op ${JSON.stringify(request.op)}; there are ${Object.keys(ops).join(", ")}`);
    return { id: request.id, op: request.op, ok: true, result: await act(request as never) };
  } catch (error) {
    return { id: request.id, op: request.op, ok: false, error: messageOf(error) };
  }
}
