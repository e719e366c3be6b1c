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
const features = ["-enable-alpha", "-enable-beta", "-ingress-class=istio.ingress.networking.knative.dev"];

const of = (kind: Test["class"], ...names: string[]): Test[] => names.map((name) => ({ name, class: kind }));

export const suites: readonly Suite[] = [
  {
    name: "api-v1",
    package: `${serving}/conformance/api/v1`,
    repository: "serving",
    flags: [],
    images: ["helloworld", "pizzaplanetv1", "pizzaplanetv2", "failing", "singlethreaded", "timeout"],
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
    ],
  },
  {
    name: "runtime",
    package: `${serving}/conformance/runtime`,
    repository: "serving",
    flags: [],
    images: ["runtime"],
    tests: of("A", "TestMustNotContainerConstraints", "TestShouldNotContainerConstraints"),
  },
  {
    name: "e2e",
    package: `${serving}/e2e`,
    repository: "serving",
    flags: features,
    images: ["helloworld", "pizzaplanetv1", "pizzaplanetv2", "autoscale"],
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
    flags: ["-test.short", "-enable-alpha", "-enable-beta", "-ingressClass=istio.ingress.networking.knative.dev"],
    images: ["runtime", "httpproxy", "retry", "timeout", "wsserver", "grpc-ping"],
    tests: of("B", "TestIngressConformance/ingressclass"),
  },
];
