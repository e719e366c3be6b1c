import type { Behaviour, Item } from "../resource.ts";
import { type FieldError, forbiddenField, invalidValue } from "../status-errors.ts";
import { type Fields, isDeepEqual, isMap, mapOf } from "../typed-values.ts";

const maxDataBytes = 1024 * 1024;
const keyPattern = /^[-._a-zA-Z0-9]+$/;

function validateKeys(data: Fields, field: string): FieldError[] {
  return Object.keys(data).flatMap((key) => {
    const at = `${field}[${key}]`;
    if (key.length > 253) return [invalidValue(at, key, "must be no more than 253 characters")];
    if (key === "." || key === ".." || key.startsWith("..")) return [invalidValue(at, key, `must not be '${key}'`)];
    if (keyPattern.test(key)) return [];
    const detail = `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`;
    return [invalidValue(at, key, detail)];
  });
}

function validateImmutable(item: Item, stored: Item | undefined, fields: readonly string[]): FieldError[] {
  if (stored?.["immutable"] !== true) return [];
  const why = "field is immutable when `immutable` is set";
  const errors = fields
    .filter((field) => !isDeepEqual(item[field] ?? {}, stored[field] ?? {}))
    .map((field) => forbiddenField(field, why));
  if (item["immutable"] !== true) errors.unshift(forbiddenField("immutable", why));
  return errors;
}

function validateSize(size: number, field: string): FieldError[] {
  return size > maxDataBytes
    ? [{ field, reason: "FieldValueTooLong", text: `Too long: may not be more than ${maxDataBytes} bytes` }]
    : [];
}

const sizeOf = (data: Fields) =>
  Object.entries(data).reduce((sum, [, value]) => sum + Buffer.byteLength(String(value)), 0);

/** Source: k8s.io/kubernetes pkg/apis/core/validation ValidateConfigMap. */
export const configMap: Behaviour = {
  validate(item, stored) {
    const [data, binary] = [mapOf(item["data"]), mapOf(item["binaryData"])];
    const both = Object.keys(binary).filter((key) => key in data);
    return [
      ...validateKeys(data, "data"),
      ...validateKeys(binary, "binaryData"),
      ...both.map((key) => invalidValue(`data[${key}]`, key, `duplicate of key present in binaryData`)),
      ...validateSize(sizeOf(data) + sizeOf(binary), ""),
      ...validateImmutable(item, stored, ["data", "binaryData"]),
    ];
  },
};

/** Keys that a Secret of a type must have. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

/** Source: k8s.io/kubernetes pkg/apis/core/validation ValidateSecret. */
export const secret: Behaviour = {
  fields: { type: (item) => String(item["type"] ?? "") },
  setDefaults(item) {
    item["type"] ??= "Opaque";
    const plain = item["stringData"];
    if (!isMap(plain)) return;
    const encoded = Object.entries(plain).map(([key, value]) => [key, Buffer.from(String(value)).toString("base64")]);
    item["data"] = { ...mapOf(item["data"]), ...Object.fromEntries(encoded) };
    delete item["stringData"];
  },
  validate(item, stored) {
    const data = mapOf(item["data"]);
    const type = String(item["type"]);
    const missing = (requiredKeys[type] ?? []).filter((key) => data[key] === undefined);
    return [
      ...(stored && stored["type"] !== type ? [invalidValue("type", type, "field is immutable")] : []),
      ...validateKeys(data, "data"),
      ...missing.map(
        (key): FieldError => ({ field: `data[${key}]`, reason: "FieldValueRequired", text: "Required value" }),
      ),
      ...validateSize((sizeOf(data) * 3) / 4, "data"),
      ...validateImmutable(item, stored, ["data"]),
    ];
  },
};
