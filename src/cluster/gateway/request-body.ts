import type { Writable } from "node:stream";
import type { Request } from "./forward.ts";

/** More than this is not kept to be sent once more. */
const mostKept = 64 * 1024;

/** A request's body on its way to a pod. */
export interface RequestBody {
  /** Sends it, from its beginning. `keeps`: perhaps it has to be sent once more. */
  sendTo(pod: Writable, keeps: boolean): void;
  /** Sends no more to a pod. */
  stop(pod: Writable): void;
  /** Whether all that was sent could be sent again. */
  readonly isWhole: boolean;
  /** A pod has answered: nothing needs to be kept any more. */
  forget(): void;
}

/** Reads the body when it is first sent somewhere, and keeps its beginning. */
export function makeRequestBody(request: Request): RequestBody {
  let kept: Buffer[] = [];
  let length = 0;
  let isBegun = false;
  let isWhole = true;
  const forget = () => {
    isWhole = false;
    kept = [];
    request.off("data", keep);
  };
  const keep = (part: Buffer) => {
    length += part.length;
    if (length > mostKept) forget();
    else kept.push(part);
  };
  return {
    sendTo(pod, keeps) {
      for (const part of kept) pod.write(part);
      if (!isBegun && keeps) request.on("data", keep);
      isBegun = true;
      request.pipe(pod);
    },
    stop: (pod) => request.unpipe(pod),
    get isWhole() {
      return isWhole;
    },
    forget,
  };
}
