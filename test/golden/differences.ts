import { PodAutoscaler } from "../../src/apis/autoscaling/podautoscaler.ts";
import { controllerReference, type KubeObject } from "../../src/apis/meta.ts";
import { Ingress } from "../../src/apis/networking/ingress.ts";
import { ServerlessService } from "../../src/apis/networking/serverlessservice.ts";
import { DomainMapping } from "../../src/apis/serving/domainmapping.ts";
import { Revision } from "../../src/apis/serving/revision.ts";
import { Route } from "../../src/apis/serving/route.ts";
import { KnativeService } from "../../src/apis/serving/service.ts";
import { type Essence, isOfKind, objectsOf, passedAt, type Subject } from "./recorded.ts";

/** What a controller says of an object, and what it makes of it, by kind and name. */
export interface Result {
  readonly status: Essence;
  readonly children: Record<string, Essence>;
  /** "Normal Created Created ..." */
  readonly events: string[];
}

/** Where ours is not what the original made of the same. */
export interface Difference {
  /** What is different, and why: the row of docs/differences.md, or what changed between serving v0.39.3 and v0.42.2. */
  readonly why: string;
  readonly applies: (subject: Subject) => boolean;
  /** Turns what was recorded into what is ours. */
  readonly change: (recorded: Result, subject: Subject) => void;
}

const in042 = "serving v0.42.2:";
const listed = "docs/differences.md:";
const autoscaling = "autoscaling.knative.dev";

export const differences: readonly Difference[] = [
  {
    why: `${in042} ports for HTTP/2 without TLS say so`,
    applies: ({ object }) =>
      isOfKind(object, ServerlessService)
        ? object.spec.protocolType === "h2c"
        : isOfKind(object, Route) && isMade(object),
    change: ({ children }) => {
      for (const child of Object.values(children)) {
        for (const port of child.spec?.ports ?? []) {
          if (port.name === "http2") port.appProtocol = "kubernetes.io/h2c";
        }
      }
    },
  },
  {
    why: "Not one of ours: a placeholder Service keeps the labels that its Route had when it was made",
    applies: ({ scenario, step, object }) =>
      scenario.name === "no-op-update" && step.name === "labelled" && isOfKind(object, Route),
    change: ({ children }) => {
      const { labels, annotations } = children["Service app"];
      labels.team = "x";
      annotations.note = "y";
    },
  },
  {
    why: `${in042} the probe's path keeps the headers of the path that it proves`,
    applies: ({ scenario, object }) => scenario.name === "config-features-nodeselector" && isOfKind(object, Ingress),
    change: ({ children, events }) => {
      for (const child of Object.values(children)) {
        events.push(`Normal Updated Updated VirtualService ${child.namespace}/${child.name}`);
        child.spec.http[0].match[0].headers["Knative-Serving-Tag"] = { exact: "cur" };
      }
    },
  },
  {
    why: `${listed} Why a Revision is not ready`,
    applies: ({ scenario, step, object }) =>
      scenario.name === "pod-imagepull" && step.name === "failing" && isOfKind(object, Revision),
    change: ({ status: { conditions } }) => {
      const cause = { status: "False", reason: "ImagePullBackOff", message: "Back-off pulling image" };
      Object.assign(conditions, { Ready: cause, ResourcesAvailable: cause });
    },
  },
  {
    why: `${listed} Ready of a Service without a ready Revision`,
    applies: ({ object }) =>
      isOfKind(object, KnativeService) &&
      (object.status?.conditions ?? []).some(
        ({ type, status, message }) =>
          type === "Ready" && status === "False" && message?.endsWith("does not have any ready Revision."),
      ),
    change: ({ status: { conditions } }) => {
      conditions.Ready = conditions.ConfigurationsReady;
    },
  },
  {
    why: `${listed} DomainMapping to a Service or Route`,
    applies: ({ step, object }) =>
      isOfKind(object, DomainMapping) &&
      objectsOf(step, Ingress).some(({ metadata }) => metadata.name === object.metadata.name),
    change: ({ children }, { step, object }) => {
      const target = (object as DomainMapping).spec.ref!.name;
      const route = objectsOf(step, Ingress).find(({ metadata }) => metadata.name === target)!;
      for (const child of Object.values(children)) child.spec.rules[0].http.paths = route.spec.rules![0]!.http.paths;
    },
  },
  {
    why: `${listed} target-burst-capacity -1`,
    applies: ({ scenario, object }) => scenario.name === "burst-capacity-all" && isOfKind(object, PodAutoscaler),
    change: ({ children }, { object: { metadata } }) => {
      children[`Metric ${metadata.name}`].spec.scrapeTarget = `${metadata.name}-private`;
    },
  },
  {
    why: `${listed} Mode and numActivators of a ServerlessService`,
    applies: ({ scenario, step, object }) =>
      scenario.name === "pod-unschedulable" && step.name === "failing" && isOfKind(object, PodAutoscaler),
    change: ({ children }, { object: { metadata } }) => {
      children[`ServerlessService ${metadata.name}`].spec.mode = "Serve";
    },
  },
  {
    why: `${listed} Mode and numActivators of a ServerlessService`,
    applies: ({ scenario, object }) => scenario.name === "scale-metric-rps" && isOfKind(object, PodAutoscaler),
    change: ({ children }, { object: { metadata } }) => {
      children[`ServerlessService ${metadata.name}`].spec.numActivators = 2;
    },
  },
  {
    why: `${listed} Scale to zero; Why a revision has so many pods`,
    applies: ({ object }) =>
      isOfKind(object, PodAutoscaler) &&
      object.spec.reachability === "Unreachable" &&
      (object.status?.desiredScale ?? 0) > 0,
    change: ({ status, children }, { object: { metadata } }) => {
      const idle = { status: "False", reason: "NoTraffic", message: "The target is not receiving traffic." };
      const reason = { at: passedAt, pods: 0, rule: "no route leads to it", text: "0 pods: no route leads to it" };
      Object.assign(status.conditions, { Active: idle, Ready: idle });
      status.annotations = { "autoscaling.hakn.dev/scale-reason": JSON.stringify(reason) };
      delete status.desiredScale;
      children[`ServerlessService ${metadata.name}`].spec.mode = "Proxy";
    },
  },
  {
    why: `${listed} Class \`hpa.autoscaling.knative.dev\``,
    applies: ({ scenario, object }) => scenario.name === "scale-hpa-class" && isOfKind(object, PodAutoscaler),
    change: ({ status, children }, { object }) => {
      const { name, namespace, labels, annotations = {} } = object.metadata;
      const { [`${autoscaling}/metric`]: metric, ...withoutMetric } = annotations;
      const target = { apiVersion: "apps/v1", kind: "Deployment", name: `${name}-deployment` };
      const made = { name, namespace, labels, ownerReferences: [controllerReference(object)] };
      children[`HorizontalPodAutoscaler ${name}`] = {
        ...made,
        annotations,
        spec: {
          scaleTargetRef: target,
          minReplicas: 2,
          maxReplicas: 30,
          metrics: [
            { type: "Resource", resource: { name: metric, target: { type: "Utilization", averageUtilization: 70 } } },
          ],
        },
      };
      children[`ServerlessService ${name}`] = {
        ...made,
        annotations: withoutMetric,
        spec: { mode: "Serve", objectRef: target, protocolType: "http1" },
      };
      const waiting = { status: "Unknown", reason: "NotReady", message: "SKS Services are not ready yet" };
      const conditions = {
        Active: { status: "True" },
        Ready: waiting,
        SKSReady: waiting,
        ScaleTargetInitialized: { status: "Unknown" },
      };
      Object.assign(status, { observedGeneration: 1, conditions });
    },
  },
];

/**
 * Where the original settled with marks that its own labeler takes away at its next pass, and its own collector then
 * the Revision: it had made a Revision that it had just deleted anew, with the Configuration's marks of that time.
 */
export const staleMarks: readonly string[] = ["traffic-missing-revision"];

/** Whether a Route's present traffic was realised. */
export function isMade(object: KubeObject): boolean {
  const { conditions = [] } = (object as Route).status ?? {};
  return ["AllTrafficAssigned", "IngressReady"].every((wanted) =>
    conditions.some(({ type, status }) => type === wanted && status === "True"),
  );
}
