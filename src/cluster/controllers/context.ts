import type { ConfigStore, Ownership } from "../../kube/api.ts";
import type { ControllerContext } from "../../kube/controller.ts";

/** What the built-in controllers share. They have no configuration and there is one copy of them: it owns every key. */
export interface BuiltinContext extends Omit<ControllerContext<null>, "config" | "ownership"> {
  /** The authority of the API server's certificate (PEM), which every namespace is told of. */
  readonly caCertificate: string;
}

const noConfig: ConfigStore<null> = { current: () => null, onChange: () => () => {}, synced: Promise.resolve() };
const ownsAll: Ownership = { owns: () => true, onGained: () => () => {} };

/** The context as `startController` takes it. */
export function controllerContext(context: BuiltinContext): ControllerContext<null> {
  return { ...context, config: noConfig, ownership: ownsAll };
}
