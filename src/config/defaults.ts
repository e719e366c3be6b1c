import { formatGoInt } from "../lib/go-number.ts";
import {
  parseTemplate,
  stringMap,
  struct,
  type Template,
  TemplateError,
  type TemplateValue,
} from "../lib/go-template.ts";
import {
  asBool,
  asInt64,
  asQuantity,
  check,
  configParser,
  overlay,
  prefixed,
  type Row,
  type Rule,
  type ValueParser,
} from "./fields.ts";
import { readTemplate, tryTemplate } from "./template.ts";

/** What revisions get that do not say (config-defaults). Source: serving v0.42.2 pkg/apis/config. */
export interface DefaultsConfig {
  readonly revisionTimeoutSeconds: number;
  readonly maxRevisionTimeoutSeconds: number;
  readonly revisionResponseStartTimeoutSeconds: number;
  /** 0: no bound. */
  readonly revisionIdleTimeoutSeconds: number;
  readonly initContainerNameTemplate: Template;
  readonly userContainerNameTemplate: Template;
  /** 0: no bound. */
  readonly containerConcurrency: number;
  readonly containerConcurrencyMaxLimit: number;
  /** Whether users may ask for unbounded concurrency. */
  readonly allowContainerConcurrencyZero: boolean;
  /** Undefined: Kubernetes' own default. */
  readonly enableServiceLinks: boolean | undefined;
  readonly revisionCPURequest: string | undefined;
  readonly revisionCPULimit: string | undefined;
  readonly revisionMemoryRequest: string | undefined;
  readonly revisionMemoryLimit: string | undefined;
  readonly revisionEphemeralStorageRequest: string | undefined;
  readonly revisionEphemeralStorageLimit: string | undefined;
}

/** What container name templates may use of the object that a revision comes from. */
export interface TemplateMeta {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const templateName = "container-template";
const largestInt32 = 2_147_483_647;

const defaults: DefaultsConfig = {
  revisionTimeoutSeconds: 300,
  maxRevisionTimeoutSeconds: 600,
  revisionResponseStartTimeoutSeconds: 300,
  revisionIdleTimeoutSeconds: 0,
  initContainerNameTemplate: parseTemplate(templateName, "init-container"),
  userContainerNameTemplate: parseTemplate(templateName, "user-container"),
  containerConcurrency: 0,
  containerConcurrencyMaxLimit: 1000,
  allowContainerConcurrencyZero: true,
  enableServiceLinks: false,
  revisionCPURequest: undefined,
  revisionCPULimit: undefined,
  revisionMemoryRequest: undefined,
  revisionMemoryLimit: undefined,
  revisionEphemeralStorageRequest: undefined,
  revisionEphemeralStorageLimit: undefined,
};

const asTemplate: ValueParser<Template> = (text, key) => readTemplate(templateName, text, key);

const asTriState: ValueParser<boolean | undefined> = (text) => {
  const word = text.toLowerCase();
  return word === "true" ? true : word === "false" ? false : undefined;
};

const rows: readonly Row<DefaultsConfig>[] = [
  ["init-container-name-template", "initContainerNameTemplate", asTemplate],
  ["container-name-template", "userContainerNameTemplate", asTemplate],
  ["allow-container-concurrency-zero", "allowContainerConcurrencyZero", asBool],
  ["enable-service-links", "enableServiceLinks", asTriState],
  ["revision-timeout-seconds", "revisionTimeoutSeconds", asInt64],
  ["max-revision-timeout-seconds", "maxRevisionTimeoutSeconds", asInt64],
  ["revision-idle-timeout-seconds", "revisionIdleTimeoutSeconds", asInt64],
  ["container-concurrency", "containerConcurrency", asInt64],
  ["container-concurrency-max-limit", "containerConcurrencyMaxLimit", asInt64],
  ["revision-cpu-request", "revisionCPURequest", asQuantity],
  ["revision-memory-request", "revisionMemoryRequest", asQuantity],
  ["revision-ephemeral-storage-request", "revisionEphemeralStorageRequest", asQuantity],
  ["revision-cpu-limit", "revisionCPULimit", asQuantity],
  ["revision-memory-limit", "revisionMemoryLimit", asQuantity],
  ["revision-ephemeral-storage-limit", "revisionEphemeralStorageLimit", asQuantity],
];

const laterRows: readonly Row<DefaultsConfig>[] = [
  ["revision-response-start-timeout-seconds", "revisionResponseStartTimeoutSeconds", asInt64],
];

const rules: readonly Rule<DefaultsConfig>[] = [
  [
    "revision-timeout-seconds",
    (config) => config.revisionTimeoutSeconds > config.maxRevisionTimeoutSeconds,
    (config) =>
      `revision-timeout-seconds (${formatGoInt(config.revisionTimeoutSeconds)}) cannot be greater than max-revision-timeout-seconds (${formatGoInt(config.maxRevisionTimeoutSeconds)})`,
  ],
  [
    "revision-response-start-timeout-seconds",
    (config) => isLonger(config.revisionResponseStartTimeoutSeconds, config.revisionTimeoutSeconds),
    (config) =>
      `revision-response-start-timeout-seconds (${formatGoInt(config.revisionResponseStartTimeoutSeconds)}) cannot be greater than revision-timeout-seconds (${formatGoInt(config.revisionTimeoutSeconds)})`,
  ],
  [
    "revision-idle-timeout-seconds",
    (config) => isLonger(config.revisionIdleTimeoutSeconds, config.revisionTimeoutSeconds),
    (config) =>
      `revision-idle-timeout-seconds (${formatGoInt(config.revisionIdleTimeoutSeconds)}) cannot be greater than revision-timeout-seconds (${formatGoInt(config.revisionTimeoutSeconds)})`,
  ],
  [
    "container-concurrency-max-limit",
    (config) => config.containerConcurrencyMaxLimit < 1,
    (config) =>
      `expected 1 <= ${formatGoInt(config.containerConcurrencyMaxLimit)} <= ${largestInt32}: container-concurrency-max-limit`,
  ],
  [
    "container-concurrency",
    (config) => config.containerConcurrency < 0 || config.containerConcurrency > config.containerConcurrencyMaxLimit,
    (config) =>
      `expected 0 <= ${formatGoInt(config.containerConcurrency)} <= ${formatGoInt(config.containerConcurrencyMaxLimit)}: container-concurrency`,
  ],
];

/** Parses config-defaults. Throws ConfigError. */
export const parseDefaultsConfig = configParser<DefaultsConfig>("config-defaults", (data) => {
  const first = overlay(defaults, data, rows);
  const start = { ...first, revisionResponseStartTimeoutSeconds: first.revisionTimeoutSeconds };
  const config = overlay(start, data, laterRows);
  check(config, rules);
  prefixed("error executing template", () => {
    tryTemplate(config.userContainerNameTemplate, metaValue({}), "container-name-template");
    tryTemplate(config.initContainerNameTemplate, metaValue({}), "init-container-name-template");
  });
  return config;
});

/** The name of a user container without one, in an object with this metadata; "" where the template fails on it. */
export function userContainerName(config: DefaultsConfig, meta: TemplateMeta): string {
  return nameFrom(config.userContainerNameTemplate, meta);
}

/** The name of an init container without one, in an object with this metadata; "" where the template fails on it. */
export function initContainerName(config: DefaultsConfig, meta: TemplateMeta): string {
  return nameFrom(config.initContainerNameTemplate, meta);
}

function nameFrom(template: Template, meta: TemplateMeta): string {
  try {
    return template.execute(metaValue(meta));
  } catch (error) {
    if (error instanceof TemplateError) return "";
    throw error;
  }
}

function metaValue(meta: TemplateMeta): TemplateValue {
  return struct("v1.ObjectMeta", {
    Name: meta.name ?? "",
    GenerateName: meta.generateName ?? "",
    Namespace: meta.namespace ?? "",
    SelfLink: "",
    UID: meta.uid ?? "",
    ResourceVersion: meta.resourceVersion ?? "",
    Generation: meta.generation ?? 0,
    CreationTimestamp: struct("v1.Time", {}, { String: () => goTime(meta.creationTimestamp) }),
    DeletionTimestamp: undefined,
    DeletionGracePeriodSeconds: undefined,
    Labels: stringMap(meta.labels),
    Annotations: stringMap(meta.annotations),
    OwnerReferences: [],
    Finalizers: meta.finalizers ?? [],
    ManagedFields: [],
  });
}

/** A time as Go prints it. */
function goTime(time: string | undefined): string {
  return time ? `${time.slice(0, 10)} ${time.slice(11, 19)} +0000 UTC` : "0001-01-01 00:00:00 +0000 UTC";
}

function isLonger(seconds: number, bound: number): boolean {
  return seconds > 0 && seconds > bound;
}
