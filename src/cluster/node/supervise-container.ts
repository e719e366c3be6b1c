import type { ContainerStatus } from "../../apis/core/pod.ts";
import type { Container, Probe } from "../../apis/core/pod-spec.ts";
import { pause } from "../../lib/clock.ts";
import { isoTime } from "../../lib/iso-time.ts";
import { locateIn } from "../shared-loopback.ts";
import type { ContainerProcess, Exit } from "./container-process.ts";
import { watchListening } from "./listening.ts";
import type { ContainerKind, PodContext } from "./pod-context.ts";
import { type ActionTarget, attempt, type Outcome } from "./probes/actions.ts";
import { runProber } from "./probes/prober.ts";
import type { ProbeKind } from "./probes/state.ts";
import type { Launch } from "./start-container.ts";

/**
 * Sees a running container to its end: its hooks, its probes, and its stopping, when the pod is to end or a probe says
 * so. `set` hears of every change of its state.
 */
export async function superviseContainer(
  context: PodContext,
  container: Container,
  process: ContainerProcess,
  launch: Launch,
  kind: ContainerKind,
  set: (change: Partial<ContainerStatus>) => void,
): Promise<Exit> {
  const { clock } = context.node;
  const { startupProbe, readinessProbe, livenessProbe } = container;
  const locate = locateIn(context.node.loopback);
  const target: ActionTarget = { container, podIP: context.place.podIP, locate, clock, exec: launch.exec };
  const ended = new AbortController();
  const probing = AbortSignal.any([ended.signal, context.killing]);
  const over = process.exited.then((exit) => {
    ended.abort();
    return exit;
  });
  const stop = createStopper(context, container, process, target, over);
  const stopWithPod = () => void stop.begin(context.graceMs(), `Stopping container ${container.name}`);
  if (context.stopping.aborted) stopWithPod();
  else context.stopping.addEventListener("abort", stopWithPod, { once: true });
  const kill = () => process.kill();
  if (context.killing.aborted) kill();
  else context.killing.addEventListener("abort", kill, { once: true });

  // Of a container that another agent started: what it was known to be, so that its pod does not lose its traffic.
  const known = context.knownStatus(container.name);
  const before = known?.state?.running && known.containerID === process.id ? known : undefined;
  set({
    state: { running: { startedAt: isoTime(process.startedAtMs) } },
    containerID: process.id,
    ready: before?.ready ?? false,
    started: before?.started ?? false,
  });

  const probe = (which: ProbeKind, spec: Probe, onResult: (healthy: boolean) => void, known?: "success") => {
    const title = `${which[0]!.toUpperCase()}${which.slice(1)}`;
    void runProber({
      kind: which,
      probe: spec,
      known,
      startedAtMs: process.startedAtMs,
      clock,
      attempt: () => attempt(spec, target, (spec.timeoutSeconds || 1) * 1000),
      onResult: (healthy) => {
        if (!probing.aborted) onResult(healthy);
      },
      onFailure: (message) => context.events.warning("Unhealthy", `${title} probe failed: ${message}`),
      signal: probing,
    });
  };
  const restart = (which: "liveness" | "startup", spec: Probe) => {
    const graceMs = (spec.terminationGracePeriodSeconds ?? podGraceSeconds(context)) * 1000;
    void stop.begin(graceMs, `Container ${container.name} failed ${which} probe, will be restarted`);
  };
  const afterStartup = () => {
    const ready = readinessProbe === undefined || before?.ready === true;
    set({ started: true, ready });
    if (readinessProbe) {
      probe("readiness", readinessProbe, (healthy) => set({ ready: healthy }), ready ? "success" : undefined);
    }
    if (livenessProbe) probe("liveness", livenessProbe, (healthy) => !healthy && restart("liveness", livenessProbe));
  };

  void (async () => {
    if (before?.started) return afterStartup();
    if (container.lifecycle?.postStart) {
      const outcome = await runHook(container.lifecycle.postStart, target, context, 60_000);
      if (ended.signal.aborted) return;
      if (!outcome.ok) {
        context.events.warning("FailedPostStartHook", `PostStartHook failed: ${outcome.message}`);
        await stop.begin(podGraceSeconds(context) * 1000, `FailedPostStartHook`);
        return;
      }
    }
    if (ended.signal.aborted) return;
    if (kind === "init") set({ started: true });
    else if (startupProbe) {
      probe("startup", startupProbe, (healthy) => (healthy ? afterStartup() : restart("startup", startupProbe)));
    } else afterStartup();
    if (context.userPort?.container === container.name) watchListening(context, process, probing);
  })();

  const exit = await over;
  context.stopping.removeEventListener("abort", stopWithPod);
  context.killing.removeEventListener("abort", kill);
  return exit;
}

function podGraceSeconds(context: PodContext): number {
  return context.pod().spec.terminationGracePeriodSeconds ?? 30;
}

/** Ends a container in good order, once, however often it is asked to: preStop, SIGTERM, and SIGKILL after the grace. */
function createStopper(
  context: PodContext,
  container: Container,
  process: ContainerProcess,
  target: ActionTarget,
  over: Promise<unknown>,
): { begin(graceMs: number, message: string): Promise<void> } {
  const { clock } = context.node;
  let begun: Promise<void> | undefined;
  const run = async (graceMs: number, message: string) => {
    context.events.normal("Killing", message);
    const deadline = clock.monotonic() + graceMs;
    const preStop = context.halting() ? undefined : container.lifecycle?.preStop;
    if (preStop && graceMs > 0) {
      const outcome = await Promise.race([
        runHook(preStop, target, context, graceMs),
        over.then(() => ({ ok: true }) as const),
      ]);
      if (!outcome.ok) context.events.warning("FailedPreStopHook", `PreStopHook failed: ${outcome.message}`);
    }
    // The kubelet grants two seconds after a hook that took all the time there was.
    const leftMs = graceMs <= 0 ? 0 : Math.max(deadline - clock.monotonic(), preStop ? 2000 : 0);
    if (leftMs > 0) {
      // Its process id may not be on record yet in its first moments.
      for (let tries = 0; process.pid() === undefined && tries < 50; tries++) await clock.sleep(10);
      process.signal("SIGTERM");
      const patience = new AbortController();
      await Promise.race([over, pause(clock, leftMs, patience.signal)]);
      patience.abort();
    }
    process.kill();
  };
  return {
    begin(graceMs, message) {
      begun ??= run(graceMs, message);
      return begun;
    },
  };
}

type Hook = NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>;

async function runHook(hook: Hook, target: ActionTarget, context: PodContext, timeoutMs: number): Promise<Outcome> {
  if (hook.sleep) {
    await pause(context.node.clock, Math.min(hook.sleep.seconds * 1000, timeoutMs), context.killing);
    return { ok: true };
  }
  return attempt(hook, target, timeoutMs);
}
