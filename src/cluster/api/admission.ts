import type { Call, User } from "./call.ts";
import type { Item, ServedResource } from "./resource.ts";

/** A write that is about to happen, as admission sees it. */
export interface AdmissionAttributes {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly resource: ServedResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: Item | undefined;
  readonly oldObject: Item | undefined;
  readonly dryRun: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  readonly user: User;
  readonly call: Call;
}

/** One step of admission. Both halves may throw to refuse the write. */
export interface AdmissionStep {
  /** Returns the object to go on with: another one where something is to change, for the given one stays as it is. */
  mutate?(attributes: AdmissionAttributes): Item | undefined | Promise<Item | undefined>;
  validate?(attributes: AdmissionAttributes): void | Promise<void>;
}

export interface Admission {
  mutate(attributes: AdmissionAttributes): Promise<Item | undefined>;
  validate(attributes: AdmissionAttributes): Promise<void>;
}

/** Runs the steps in order: all that change objects, later all that only check. */
export function createAdmission(steps: readonly AdmissionStep[]): Admission {
  return {
    async mutate(attributes) {
      let object = attributes.object;
      for (const step of steps) {
        if (step.mutate) object = await step.mutate({ ...attributes, object });
      }
      return object;
    },
    async validate(attributes) {
      for (const step of steps) await step.validate?.(attributes);
    },
  };
}
