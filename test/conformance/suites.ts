/** One of upstream's test binaries, and what of it is run here. */
export interface Suite {
  readonly name: string;
  /** The Go package. */
  readonly package: string;
  readonly flags: readonly string[];
  /** Which of the images it needs; the two modules have images of the same names and of different contents. */
  readonly repository: "serving" | "networking";
  readonly images: readonly string[];
  readonly tests: readonly Test[];
  /** Build tags beside e2e. */
  readonly tags?: readonly string[];
  /** The command that the tests run, as a Go package. */
  readonly command?: string;
  /** Keys of ConfigMaps that are set while the suite runs. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface Test {
  readonly name: string;
  /** A: an API server and the control plane are enough. B: pods that become ready, too. C: pods that are really asked. */
  readonly class: "A" | "B" | "C";
  /** Why it is not run. */
  readonly leftOut?: string;
}

export const classes = ["A", "B", "C"] as const;

const serving = "knative.dev/serving/test";
const networking = "knative.dev/networking/test";
const client = "knative.dev/client";
const endpoint = "-ingressendpoint=127.0.0.1";
const base = [endpoint, "-disable-logstream"];
const features = [...base, "-enable-alpha", "-enable-beta", "-ingress-class=istio.ingress.networking.knative.dev"];

const of = (kind: Test["class"], ...names: string[]): Test[] => names.map((name) => ({ name, class: kind }));

const leftOut = (reason: string, kind: Test["class"], ...names: string[]): Test[] =>
  names.map((name) => ({ name, class: kind, leftOut: reason }));

export const suites: readonly Suite[] = [
  {
    name: "api-v1",
    package: `${serving}/conformance/api/v1`,
    repository: "serving",
    flags: features,
    images: [
      "helloworld",
      "pizzaplanetv1",
      "pizzaplanetv2",
      "failing",
      "singlethreaded",
      "timeout",
      "volumes",
      "servingcontainer",
      "sidecarcontainer",
      "autoscale",
      "runtime",
    ],
    tests: [
      ...of("A", "TestContainerErrorMsg", "TestServiceAccountValidation"),
      ...of(
        "B",
        "TestConfigurationGetAndList",
        "TestUpdateConfigurationMetadata",
        "TestContainerExitingMsg",
        "TestRevisionGetAndList",
        "TestRouteGetAndList",
        "TestServiceCreateListAndDelete",
        "TestAnnotationPropagation",
      ),
      ...of(
        "C",
        "TestBlueGreenRoute",
        "TestServiceGenerateName",
        "TestRouteAndConfigGenerateName",
        "TestRevisionTimeout",
        "TestRouteCreation",
        "TestServiceCreateAndUpdate",
        "TestServiceBYOName",
        "TestServiceWithTrafficSplit",
        "TestServiceCreateWithMultipleContainers",
        "TestSingleConcurrency",
      ),
      ...leftOut("no memory limit is enforced", "C", "TestCustomResourcesLimits"),
      ...leftOut(
        "a local container sees its volumes below HAKN_ROOT",
        "C",
        "TestServiceCreateWithEmptyDir",
        "TestConfigMapVolume",
        "TestProjectedConfigMapVolume",
        "TestSecretVolume",
        "TestProjectedSecretVolume",
        "TestProjectedComplex",
        "TestProjectedServiceAccountToken",
      ),
    ],
  },
  {
    name: "runtime",
    package: `${serving}/conformance/runtime`,
    repository: "serving",
    flags: base,
    images: ["readiness", "runtime"],
    tests: [
      ...of("A", "TestMustNotContainerConstraints", "TestShouldNotContainerConstraints"),
      ...of(
        "C",
        "TestShouldHaveCgroupReadOnly",
        "TestSecretsViaEnv",
        "TestConfigsViaEnv",
        "TestShouldEnvVars",
        "TestShouldHaveStdinEOF",
        "TestMustHaveFiles",
        "TestMustHaveHeadersSet",
        "TestShouldHaveHeadersSet",
        "TestLivenessWithFail",
        "TestProtocols",
        "TestProbeRuntime",
        "TestProbeRuntimeAfterStartup",
        "TestShouldHaveSysctlReadOnly",
      ),
      ...leftOut(
        "a container is a process of this machine's, with its user, paths, files and a port of its own",
        "C",
        "TestCmdArgs",
        "TestMustEnvVars",
        "TestMustHaveCgroupConfigured",
        "TestMustRunAsUser",
        "TestShouldHaveFiles",
        "TestShouldRunAsUserContainerDefault",
        "TestWorkingDirService",
      ),
    ],
  },
  {
    name: "e2e",
    package: `${serving}/e2e`,
    repository: "serving",
    flags: features,
    images: [
      "helloworld",
      "pizzaplanetv1",
      "pizzaplanetv2",
      "autoscale",
      "grpc-ping",
      "hellohttp2",
      "hellovolume",
      "httpproxy",
      "readiness",
      "servingcontainer",
      "sidecarcontainer",
      "timeout",
      "wsserver",
    ],
    tests: [
      ...of(
        "A",
        "TestPodScheduleError",
        "TestResourceQuotaError",
        "TestRoutesNotReady",
        "TestServiceValidationWithInvalidPodSpec",
      ),
      ...of(
        "B",
        "TestImagePullError",
        "TestInitScalePositive",
        "TestMinScale",
        "TestConflictingRouteService",
        "TestRollbackBYOName",
        "TestGradualRollout",
        "TestRouteVisibilityChanges",
        "TestSubrouteVisibilityPublicToPrivate",
        "TestSubrouteVisibilityPrivateToPublic",
      ),
      ...of(
        "C",
        "TestAutoscaleUpCountPods",
        "TestRPSBasedAutoscaleUpCountPods",
        "TestAutoscaleSustaining",
        "TestDestroyPodInflight",
        "TestDestroyPodTimely",
        "TestDestroyPodWithRequests",
        "TestGRPCUnaryPing",
        "TestGRPCStreamingPing",
        "TestHelloWorld",
        "TestQueueSideCarResourceLimit",
        "TestHelloHTTP2WithPortNameH2C",
        "TestMultiContainer",
        "TestMultipleNamespace",
        "TestReadinessAlternatePort",
        "TestReadinessPathAndQuery",
        "TestReadinessGRPCProbe",
        "TestRevisionTimeout",
        "TestWebSocket",
        "TestWebSocketBlueGreenRoute",
        "TestWebSocketWithTimeout",
      ),
      ...leftOut("a local container sees its volumes below HAKN_ROOT", "C", "TestEmptyDir"),
      ...leftOut(
        "it waits for no pods, and there is no scale to zero",
        "C",
        "TestAutoscaleUpDownUp",
        "TestGRPCAutoscaleUpDownUp",
        "TestTargetBurstCapacityZero",
      ),
      ...leftOut("it counts host names, and local containers have this machine's", "C", "TestGRPCLoadBalancing"),
      ...leftOut("upstream leaves it out unless request logs are on", "C", "TestRequestLogs"),
      ...leftOut("upstream leaves it out until it is implemented", "C", "TestHelloHTTP2WithEmptyPortName"),
      ...leftOut(
        "local containers have no cluster DNS",
        "C",
        "TestCallToPublicService",
        "TestServiceToServiceCall",
        "TestSubrouteLocalSTS",
      ),
    ],
  },
  {
    name: "e2e-initscale",
    package: `${serving}/e2e/initscale`,
    repository: "serving",
    flags: features,
    images: ["helloworld"],
    tests: of("B", "TestInitScaleZero"),
    config: { "config-autoscaler": { "allow-zero-initial-scale": "true", "min-scale": "0" } },
  },
  {
    name: "e2e-gc",
    package: `${serving}/e2e/gc`,
    repository: "serving",
    flags: features,
    images: ["pizzaplanetv1", "pizzaplanetv2"],
    tests: of("B", "TestRevisionGC"),
  },
  {
    name: "e2e-securedefaults",
    package: `${serving}/e2e/securedefaults`,
    repository: "serving",
    flags: features,
    images: ["helloworld"],
    tests: of("B", "TestSecureDefaults", "TestUnsafePermitted"),
    config: { "config-features": { "secure-pod-defaults": "Enabled" } },
  },
  {
    name: "ingress",
    package: `${networking}/conformance/ingress`,
    repository: "networking",
    flags: [
      endpoint,
      "-test.short",
      "-enable-alpha",
      "-enable-beta",
      "-ingressClass=istio.ingress.networking.knative.dev",
    ],
    images: ["runtime", "httpproxy", "retry", "timeout", "wsserver", "grpc-ping"],
    tests: of("B", "TestIngressConformance/ingressclass"),
  },
  {
    name: "kn",
    package: `${client}/test/e2e`,
    tags: ["serving"],
    command: `${client}/cmd/kn`,
    repository: "serving",
    flags: [],
    images: ["helloworld", "grpc-ping"],
    tests: of(
      "C",
      "TestBasicWorkflow",
      "TestDomain",
      "TestRevision",
      "TestRoute",
      "TestService",
      "TestServiceApply",
      "TestServiceCreateFromFile",
      "TestServiceExport",
      "TestServiceImport",
      "TestServiceOptions",
      "TestTrafficSplit",
      "TestVersion",
      "TestWrongCommand",
    ),
    // The export is compared with upstream's default; hakn's own is 100.
    config: { "config-defaults": { "container-concurrency": "0" } },
  },
];
