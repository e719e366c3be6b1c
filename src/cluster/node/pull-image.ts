import { pause } from "../../lib/clock.ts";
import type { RestartBackoff } from "./backoff.ts";
import { InvalidImageNameError, type Pulled } from "./images.ts";
import type { PodContext } from "./pod-context.ts";

/** So long the reason of a failure is shown before the back-off takes its place: watchers are to see it. */
const reasonShownMs = 1000;

/**
 * Pulls a container's image, again and again where that fails; `wait` hears why the container waits. Undefined when the
 * pod is to end before the image was there.
 */
export async function pullImage(
  { node, events, stopping }: PodContext,
  image: string,
  backoff: RestartBackoff,
  wait: (reason: string, message: string) => void,
): Promise<Pulled | undefined> {
  const { clock, images } = node;
  for (let failedAt: number | undefined; !stopping.aborted; ) {
    if (failedAt !== undefined) {
      const text = `Back-off pulling image "${image}"`;
      wait("ImagePullBackOff", text);
      events.normal("BackOff", text);
      if (!(await pause(clock, backoff.waitMs(failedAt, clock.now()), stopping))) return undefined;
    }
    const startedAt = clock.monotonic();
    try {
      const pulled = await images.pull(image, stopping);
      const took = `${Math.round(clock.monotonic() - startedAt)}ms`;
      events.normal(
        "Pulled",
        pulled.fetched
          ? `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${pulled.image.sizeBytes} bytes.`
          : `Container image "${image}" already present on machine`,
      );
      return pulled;
    } catch (error) {
      if (stopping.aborted) return undefined;
      const { message } = error as Error;
      const invalid = error instanceof InvalidImageNameError;
      events.warning(
        invalid ? "InspectFailed" : "Failed",
        invalid ? message : `Failed to pull image "${image}": ${message}`,
      );
      const reason = invalid ? "InvalidImageName" : "ErrImagePull";
      events.warning("Failed", `Error: ${reason}`);
      wait(reason, message);
      failedAt = clock.now();
      backoff.next(failedAt);
      if (!(await pause(clock, reasonShownMs, stopping))) return undefined;
    }
  }
  return undefined;
}
