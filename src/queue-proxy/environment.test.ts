import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EnvironmentError, parseEnvironment } from "./environment.ts";

const complete = {
  CONTAINER_CONCURRENCY: "10",
  QUEUE_SERVING_PORT: "8012",
  QUEUE_SERVING_TLS_PORT: "8112",
  USER_PORT: "8080",
  REVISION_TIMEOUT_SECONDS: "300",
  SERVING_LOGGING_CONFIG: "",
  SERVING_LOGGING_LEVEL: "",
  SERVING_NAMESPACE: "ns",
  SERVING_CONFIGURATION: "c",
  SERVING_REVISION: "r",
  SERVING_POD: "p",
  SERVING_POD_IP: "1.2.3.4",
};

describe("environment", () => {
  test("what is required suffices; durations become milliseconds", () => {
    const environment = parseEnvironment(complete);
    assert.equal(environment.containerConcurrency, 10);
    assert.equal(environment.revisionTimeoutMs, 300_000);
    assert.equal(environment.idleTimeoutMs, 0);
    assert.equal(environment.tracingBackend, "");
  });

  for (const key of Object.keys(complete)) {
    test(`${key} is required`, () => {
      assert.throws(
        () => parseEnvironment({ ...complete, [key]: undefined }),
        new EnvironmentError(`required key ${key} missing value`),
      );
    });
  }

  const refused = [
    ["CONTAINER_CONCURRENCY", "x", "ContainerConcurrency", "int", 'strconv.ParseInt: parsing "x": invalid syntax'],
    ["CONTAINER_CONCURRENCY", "", "ContainerConcurrency", "int", 'strconv.ParseInt: parsing "": invalid syntax'],
    [
      "REVISION_TIMEOUT_SECONDS",
      "99999999999999999999",
      "RevisionTimeoutSeconds",
      "int",
      'strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
    ["ENABLE_PROFILING", "yes", "EnableProfiling", "bool", 'strconv.ParseBool: parsing "yes": invalid syntax'],
    [
      "TRACING_CONFIG_SAMPLE_RATE",
      "lots",
      "TracingConfigSampleRate",
      "float64",
      'strconv.ParseFloat: parsing "lots": invalid syntax',
    ],
  ] as const;
  for (const [key, text, field, type, details] of refused) {
    test(`${key}=${JSON.stringify(text)} is refused in upstream's words`, () => {
      const message = `envconfig.Process: assigning ${key} to ${field}: converting '${text}' to type ${type}. details: ${details}`;
      assert.throws(() => parseEnvironment({ ...complete, [key]: text }), new EnvironmentError(message));
    });
  }

  for (const text of ["1", "t", "T", "TRUE", "true", "True"]) {
    test(`${text} is true`, () => {
      assert.equal(parseEnvironment({ ...complete, ENABLE_PROFILING: text }).enableProfiling, true);
    });
  }
});
