import { apps, type ContractCase, core, deployment, merge, pod, podSpec, service, strategic } from "./samples.ts";

/** Deployments, pods and Services: defaults, what is refused, how pods end. */
export const workloadCases: readonly ContractCase[] = [
  {
    name: "a Deployment gets its defaults, counts generations and keeps its selector",
    steps: [
      ["POST", `${apps}/deployments?fieldManager=test`, deployment("web")],
      ["PATCH", `${apps}/deployments/web`, { metadata: { labels: { a: "b" } } }, merge],
      [
        "PATCH",
        `${apps}/deployments/web?fieldManager=test`,
        { spec: { template: { spec: { containers: [{ name: "c", image: "example.com/app:2" }] } } } },
        strategic,
      ],
      [
        "PATCH",
        `${apps}/deployments/web`,
        { spec: { template: { spec: { containers: [{ name: "d", image: "e" }] } } } },
        strategic,
      ],
      [
        "PATCH",
        `${apps}/deployments/web`,
        { spec: { template: { spec: { containers: [{ name: "d", $patch: "delete" }] } } } },
        strategic,
      ],
      ["PATCH", `${apps}/deployments/web`, { spec: { selector: { matchLabels: { app: "x" } } } }, merge],
      ["PATCH", `${apps}/deployments/web`, { spec: { strategy: { type: "Recreate", rollingUpdate: null } } }, merge],
      ["GET", `${apps}/deployments/web/scale`],
      ["PATCH", `${apps}/deployments/web/scale`, { spec: { replicas: 0 } }, merge],
      [
        "PUT",
        `${apps}/deployments/web/scale`,
        { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "web" }, spec: { replicas: -1 } },
      ],
      ["DELETE", `${apps}/deployments/web`],
    ],
  },
  {
    name: "a Deployment that makes no sense is refused",
    steps: [
      ["POST", `${apps}/deployments`, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "x" } }],
      ["POST", `${apps}/deployments`, deployment("x", { selector: { matchLabels: { app: "other" } } })],
      ["POST", `${apps}/deployments`, deployment("x", { selector: {} })],
      ["POST", `${apps}/deployments`, deployment("x", { replicas: -1 })],
      ["POST", `${apps}/deployments`, deployment("x", { replicas: "3" })],
      ["POST", `${apps}/deployments`, deployment("x", {}, [])],
      ["POST", `${apps}/deployments`, deployment("x", {}, [{ name: "c" }])],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {}, [
          { name: "Bad_", image: "i" },
          { name: "c", image: "i" },
          { name: "c", image: "i" },
        ]),
      ],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {}, [
          {
            name: "c",
            image: "i",
            ports: [{ containerPort: 0 }, { containerPort: 70000 }, { name: "Bad_Port", containerPort: 1 }],
          },
        ]),
      ],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {}, [{ name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: "/x" }] }]),
      ],
      ["POST", `${apps}/deployments`, deployment("x", {}, [{ name: "c", image: "i", readinessProbe: {} }])],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {}, [{ name: "c", image: "i", env: [{ value: "x" }], imagePullPolicy: "Odd" }]),
      ],
      ["POST", `${apps}/deployments`, deployment("x", { strategy: { type: "Recreate", rollingUpdate: {} } })],
      ["POST", `${apps}/deployments`, deployment("x", { strategy: { type: "Odd" } })],
      [
        "POST",
        `${apps}/deployments`,
        deployment("x", {
          template: { metadata: { labels: { app: "x" } }, spec: { ...podSpec(), restartPolicy: "Never" } },
        }),
      ],
    ],
  },
  {
    name: "containers, probes and volumes get their defaults",
    steps: [
      [
        "POST",
        `${apps}/deployments`,
        deployment("defaults", {
          template: {
            metadata: { labels: { app: "defaults" } },
            spec: {
              volumes: [
                { name: "e" },
                { name: "c", configMap: { name: "x" } },
                { name: "p", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
              ],
              containers: [
                {
                  name: "a",
                  image: "app",
                  ports: [{ containerPort: 80 }],
                  resources: { limits: { cpu: "1000m", memory: "1024Mi" } },
                  readinessProbe: { httpGet: { port: 80 } },
                  livenessProbe: { tcpSocket: { port: "http" }, periodSeconds: 0 },
                  startupProbe: { grpc: { port: 5 } },
                  env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
                  lifecycle: { preStop: { httpGet: { port: 80 } } },
                },
                { name: "b", image: "app@sha256:0000000000000000000000000000000000000000000000000000000000000000" },
              ],
            },
          },
        }),
      ],
      ["DELETE", `${apps}/deployments/defaults`],
    ],
  },
  {
    name: "Services get addresses and defaults",
    steps: [
      ["POST", `${core}/services`, service("plain", { selector: { app: "x" }, ports: [{ port: 80 }] })],
      [
        "POST",
        `${core}/services`,
        service("headless", { clusterIP: "None", ports: [{ port: 80, targetPort: "http" }] }),
      ],
      ["POST", `${core}/services`, service("external", { type: "ExternalName", externalName: "example.com" })],
      ["PUT", `${core}/services/plain`, service("plain", { selector: { app: "y" }, ports: [{ port: 81 }] })],
      ["PATCH", `${core}/services/plain`, { spec: { clusterIP: "10.96.7.7" } }, merge],
      [
        "PATCH",
        `${core}/services/plain`,
        { spec: { type: "ExternalName", externalName: "example.com", clusterIP: "", clusterIPs: null } },
        merge,
      ],
      ["PATCH", `${core}/services/external`, { spec: { type: "ClusterIP", ports: [{ port: 80 }] } }, merge],
      ["POST", `${core}/services`, service("bad", {})],
      ["POST", `${core}/services`, service("1bad", { ports: [{ port: 80 }] })],
      ["POST", `${core}/services`, service("bad", { ports: [{ port: 80 }, { port: 81 }] })],
      [
        "POST",
        `${core}/services`,
        service("bad", {
          ports: [
            { name: "a", port: 80 },
            { name: "a", port: 80 },
          ],
        }),
      ],
      ["POST", `${core}/services`, service("bad", { ports: [{ port: 0 }], type: "Odd" })],
      ["POST", `${core}/services`, service("bad", { type: "ExternalName" })],
      ["POST", `${core}/services`, service("bad", { clusterIP: "10.200.0.1", ports: [{ port: 80 }] })],
      ["DELETE", `${core}/services/plain`],
      ["DELETE", `${core}/services/headless`],
      ["DELETE", `${core}/services/external`],
    ],
  },
  {
    name: "pods are created pending, mostly immutable, and end gracefully once a node has them",
    steps: [
      ["POST", `${core}/pods`, pod("p")],
      ["PATCH", `${core}/pods/p`, { spec: { containers: [{ name: "c", image: "example.com/app:2" }] } }, strategic],
      ["PATCH", `${core}/pods/p`, { spec: { hostNetwork: true } }, merge],
      ["PATCH", `${core}/pods/p/status`, { status: { phase: "Running" } }, merge],
      [
        "POST",
        `${core}/pods/p/binding`,
        { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: "nowhere" } },
      ],
      [
        "POST",
        `${core}/pods/p/binding`,
        { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: "elsewhere" } },
      ],
      ["GET", `${core}/pods?fieldSelector=spec.nodeName%3Dnowhere,status.phase%3DRunning`],
      ["DELETE", `${core}/pods/p`, { gracePeriodSeconds: 7 }],
      ["DELETE", `${core}/pods/p`, { gracePeriodSeconds: 0 }],
      ["GET", `${core}/pods/p`],
      ["POST", `${core}/pods`, pod("unscheduled")],
      ["DELETE", `${core}/pods/unscheduled`],
      ["POST", `${core}/pods`, pod("x", { ...podSpec(), serviceAccountName: "nobody" })],
      ["GET", `${core}/pods/none/log`],
    ],
  },
];
