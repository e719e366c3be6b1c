import { join } from "node:path";
import type { ContainerStatus } from "../../apis/core/pod.ts";
import type { Container } from "../../apis/core/pod-spec.ts";
import { pause } from "../../lib/clock.ts";
import { isoTime } from "../../lib/iso-time.ts";
import { createRestartBackoff } from "./backoff.ts";
import { adoptProcess, type ContainerProcess, type Exit } from "./container-process.ts";
import { dropOldRecords, lastAttempt, recordsOf, rootOf } from "./container-records.ts";
import { ContainerConfigError } from "./environment.ts";
import type { RunningContainer } from "./exec-session.ts";
import { StartError } from "./find-program.ts";
import type { Image, Pulled } from "./images.ts";
import type { ContainerKind, PodContext } from "./pod-context.ts";
import { pullImage } from "./pull-image.ts";
import { type Launch, launch, prepareLaunch } from "./start-container.ts";
import { superviseContainer } from "./supervise-container.ts";
import { terminationMessage } from "./termination-message.ts";

export interface ContainerRunner {
  readonly status: () => ContainerStatus;
  /** Runs the container, again and again where its restart policy says so. Settles with the last exit code. */
  run(): Promise<number>;
  /** Undefined while it does not run. */
  readonly running: () => RunningContainer | undefined;
  /** Settles once the container has started for the first time (its startup probe included), or will not any more. */
  readonly started: Promise<void>;
}

export interface RunnerOptions {
  readonly kind: ContainerKind;
  /** The reason of the waiting state before the first start. */
  readonly waitingReason: "ContainerCreating" | "PodInitializing";
}

type State = NonNullable<ContainerStatus["state"]>;
const configRetryMs = 2000;

/** Creates the runner of one container of a pod. An earlier start that still runs is taken over. */
export function createContainerRunner(
  context: PodContext,
  container: Container,
  { kind, waitingReason }: RunnerOptions,
): ContainerRunner {
  const { node, events, stopping } = context;
  const { clock } = node;
  const { name } = container;
  const crashes = createRestartBackoff();
  const pulls = createRestartBackoff();
  const started = Promise.withResolvers<void>();
  const podText = () => {
    const { metadata } = context.pod();
    return `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
  };

  // Until it is seen what became of an earlier agent's container, nothing else is said of it than was known.
  const before = lastAttempt(context, name) === undefined ? undefined : context.knownStatus(name);
  let status: ContainerStatus = before ?? {
    name,
    state: { waiting: { reason: waitingReason } },
    lastState: {},
    ready: false,
    restartCount: 0,
    image: container.image ?? "",
    imageID: "",
    started: false,
  };
  let running: RunningContainer | undefined;
  const set = (change: Partial<ContainerStatus>) => {
    status = { ...status, ...change };
    if (status.started) started.resolve();
    context.changed();
  };
  const wait = (reason: string, message: string) => set({ state: { waiting: { reason, message } }, ready: false });

  /** Undefined when the pod is to end before the image was there. */
  const pull = async (): Promise<Pulled | undefined> => {
    const pulled = await pullImage(context, container.image ?? "", pulls, wait);
    if (pulled) set({ imageID: pulled.imageID });
    return pulled;
  };

  /** Makes everything ready to start; undefined when the pod is to end before. */
  const prepare = async (image: Image): Promise<Launch | StartError | undefined> => {
    while (!stopping.aborted) {
      try {
        return await prepareLaunch(context, container, image);
      } catch (error) {
        if (stopping.aborted) return undefined;
        if (error instanceof StartError) return error;
        const { message } = error as Error;
        if (!(error instanceof ContainerConfigError))
          node.log.warn("a container cannot be created", { pod: podText(), error });
        wait(error instanceof ContainerConfigError ? "CreateContainerConfigError" : "CreateContainerError", message);
        events.warning("Failed", `Error: ${message}`);
        if (!(await pause(clock, configRetryMs, stopping))) return undefined;
      }
    }
    return undefined;
  };

  const watch = async (process: ContainerProcess, what: Launch): Promise<Exit> => {
    node.trackLog(join(process.records, "log"));
    running = { launch: what, token: process.token };
    const exit = await superviseContainer(context, container, process, what, kind, set);
    running = undefined;
    const message = terminationMessage(container, exit.code, what.root, join(process.records, "log"));
    set({
      state: terminatedState(exit, process.startedAtMs, process.id, message),
      ready: kind === "init" && exit.code === 0,
      started: false,
    });
    return exit;
  };

  const notStarted = (message: string): Exit => {
    const now = clock.now();
    events.normal("Created", `Created container: ${name}`);
    events.warning("Failed", `Error: failed to start container "${name}": ${message}`);
    const exit = { code: 128, finishedAtMs: now };
    const state = terminatedState(exit, now, "", message);
    set({ state: { terminated: { ...state.terminated!, reason: "StartError" } }, ready: false });
    return exit;
  };

  /** Starts the container once and sees it to its end. Undefined when the pod is to end before it started. */
  const runOnce = async (attempt: number): Promise<Exit | undefined> => {
    const pulled = await pull();
    const what = pulled && (await prepare(pulled.image));
    if (!what || stopping.aborted) return undefined;
    if (what instanceof StartError) return notStarted(what.message);
    const process = await launch(context, container, attempt, what).catch(toStartError);
    if (process instanceof StartError) return notStarted(process.message);
    events.normal("Created", `Created container: ${name}`);
    events.normal("Started", `Started container ${name}`);
    dropOldRecords(context, name, attempt);
    return watch(process, what);
  };

  /** What an earlier agent left: the exit of its last start, once that has ended. */
  const resume = async (attempt: number): Promise<Exit | undefined> => {
    const found = adoptProcess(recordsOf(context, name, attempt), clock);
    if (!found) return undefined;
    set({ restartCount: attempt });
    if ("exit" in found) {
      const message = terminationMessage(
        container,
        found.exit.code,
        rootOf(context, name),
        join(recordsOf(context, name, attempt), "log"),
      );
      set({
        state: terminatedState(found.exit, found.startedAtMs, found.id, message),
        ready: kind === "init" && found.exit.code === 0,
      });
      return found.exit;
    }
    const pulled = await pull();
    const what = pulled && (await prepare(pulled.image));
    const usable = what && !(what instanceof StartError) ? what : bareLaunch(rootOf(context, name));
    return watch(found.running, usable);
  };

  const run = async (): Promise<number> => {
    let attempt = lastAttempt(context, name);
    let exit = attempt === undefined ? undefined : await resume(attempt);
    for (;;) {
      if (exit) {
        if (stopping.aborted || !restarts(kind, exit, context.pod().spec.restartPolicy)) break;
        const waitMs = crashes.waitMs(exit.finishedAtMs, clock.now());
        set({ lastState: status.state ?? {} });
        if (waitMs > 0) {
          const delay = `${crashes.delayMs() / 1000}s`.replace("300s", "5m0s");
          wait("CrashLoopBackOff", `back-off ${delay} restarting failed container=${name} pod=${podText()}`);
          events.warning("BackOff", `Back-off restarting failed container ${name} in pod ${podText()}`);
          if (!(await pause(clock, waitMs, stopping))) break;
        }
        crashes.next(clock.now());
      }
      attempt = attempt === undefined ? 0 : attempt + 1;
      if (attempt > 0) set({ restartCount: attempt });
      const next = await runOnce(attempt);
      if (!next) break;
      exit = next;
    }
    return exit?.code ?? 137;
  };

  return {
    status: () => status,
    running: () => running,
    run: () => run().finally(() => started.resolve()),
    started: started.promise,
  };
}

function restarts(kind: ContainerKind, exit: Exit, policy = "Always"): boolean {
  if (kind === "sidecar") return true;
  if (kind === "init") return exit.code !== 0 && policy !== "Never";
  return policy === "Always" || (policy === "OnFailure" && exit.code !== 0);
}

function terminatedState(exit: Exit, startedAtMs: number, id: string, message: string): State {
  return {
    terminated: {
      exitCode: exit.code,
      reason: exit.code === 0 ? "Completed" : "Error",
      ...(message !== "" && { message }),
      startedAt: isoTime(startedAtMs),
      finishedAt: isoTime(exit.finishedAtMs),
      containerID: id,
    },
  };
}

/** What the system refuses to start (an environment that is too large, say) is like a program that there is not. */
function toStartError(error: Error): StartError {
  return new StartError(error.message, { cause: error });
}

/** For a container whose image or environment cannot be had any more: it can be watched and stopped. */
function bareLaunch(root: string): Launch {
  const reason = "the container's environment cannot be made any more";
  return {
    command: [],
    env: {},
    workingDir: root,
    root,
    commandLine() {
      throw new StartError(reason);
    },
    exec: async () => ({ code: -1, output: reason }),
  };
}
