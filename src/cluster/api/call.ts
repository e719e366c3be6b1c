import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import type { Admission } from "./admission.ts";
import type { Registry } from "./registry.ts";
import { invalidOptions, notSupported } from "./status-errors.ts";
import type { Storage } from "./storage.ts";
import type { WatchCache } from "./watch-cache.ts";

/** What every handler works with; lives as long as the server. */
export interface Api {
  readonly storage: Storage;
  readonly cache: WatchCache;
  readonly registry: Registry;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who asks. Source: k8s.io/apiserver authentication/user.Info. */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** One request, once it is known who sent it. */
export interface Call {
  readonly user: User;
  readonly query: URLSearchParams;
  readonly userAgent: string;
  /** Aborts when the client goes away or the server closes. */
  readonly signal: AbortSignal;
  /** Adds a Warning header to the answer. */
  warn(text: string): void;
}

/** Whether a boolean parameter is set: Kubernetes takes "true" and "1". */
export function isSet(query: URLSearchParams, name: string): boolean {
  return ["true", "1"].includes(query.get(name) ?? "");
}

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** Options of writes that all verbs share. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
}

const fieldValidations: readonly string[] = ["Strict", "Warn", "Ignore"];

/** Reads dryRun, fieldManager and fieldValidation. Throws 422 about `kind` for values that do not exist. */
export function writeOptionsOf(call: Call, kind: "CreateOptions" | "UpdateOptions" | "PatchOptions"): WriteOptions {
  const dryRun = call.query.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) {
    throw invalidOptions(kind, notSupported("dryRun", dryRun, ["All"]));
  }
  const validation = call.query.get("fieldValidation") || "Warn";
  if (!fieldValidations.includes(validation)) {
    throw invalidOptions(kind, notSupported("fieldValidation", validation, ["", ...fieldValidations]));
  }
  const named = call.query.get("fieldManager") ?? "";
  if (named.length > 128) {
    const text = "Too long: may not be more than 128 bytes";
    throw invalidOptions(kind, { field: "fieldManager", reason: "FieldValueTooLong", text });
  }
  return {
    dryRun: dryRun.length > 0,
    fieldManager: named || call.userAgent.split("/")[0]!.slice(0, 128),
    fieldValidation: validation as FieldValidation,
  };
}
