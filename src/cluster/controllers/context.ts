import type { KubeObject } from "../../apis/meta.ts";
import type { ConfigStore, Ownership } from "../../kube/api.ts";
import {
  type Controller,
  type ControllerContext,
  type ControllerSpec,
  startController,
} from "../../kube/controller.ts";

/** What the built-in controllers share. They have no configuration and there is one copy of them: it owns every key. */
export interface BuiltinContext extends Omit<ControllerContext<null>, "config" | "ownership"> {
  /** The authority of the API server's certificate (PEM), which every namespace is told of. */
  readonly caCertificate: string;
}

const noConfig: ConfigStore<null> = { current: () => null, onChange: () => () => {}, synced: Promise.resolve() };
const ownsAll: Ownership = { owns: () => true, onGained: () => () => {} };

/** Starts a controller that, like those of Kubernetes, makes no Event of a failed pass: it is tried again and logged. */
export function startBuiltinController<T extends KubeObject, Deps>(
  context: BuiltinContext,
  spec: Omit<ControllerSpec<T, Deps, null>, "tellsFailures">,
): Controller {
  return startController({ ...context, config: noConfig, ownership: ownsAll }, { ...spec, tellsFailures: false });
}
