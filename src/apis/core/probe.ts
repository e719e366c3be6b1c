import {
  type FromSchema,
  int32,
  int64,
  intOrString,
  list,
  maybeEmpty,
  object,
  string,
  strings,
  words,
} from "../schema.ts";

const execActionSchema = object("Runs a command in the container; exit code 0 is success.", {
  command: strings("The program and its arguments; no shell is involved.", { "x-kubernetes-list-type": "atomic" }),
});

const httpGetActionSchema = object(
  "Sends an HTTP GET request; a status from 200 to 399 is success.",
  {
    path: string("The path to ask for."),
    port: intOrString("The container's port, by number or name.", "shown"),
    host: string("The host to connect to; the pod's address unless told."),
    scheme: words("HTTP (unless told) or HTTPS.", ["HTTP", "HTTPS"]),
    httpHeaders: list(
      "Headers of the request; names may repeat.",
      object(
        "One header.",
        { name: string("The header's name."), value: string("The header's value.") },
        { required: ["name", "value"] },
      ),
    ),
  },
  { required: ["port"] },
);

const tcpSocketActionSchema = object(
  "Opens a TCP connection; being able to is success.",
  {
    port: intOrString("The container's port, by number or name.", "shown"),
    host: string("The host to connect to; the pod's address unless told."),
  },
  { required: ["port"] },
);

const grpcActionSchema = object(
  "Calls the standard gRPC health service.",
  {
    port: int32("The port of the gRPC server.", "shown"),
    service: string("The service to ask about; the whole server unless told.", maybeEmpty),
  },
  { required: ["port"] },
);

export const probeSchema = object(
  "How the health of a container is found out: by one of exec, httpGet, tcpSocket, grpc.",
  {
    exec: execActionSchema,
    httpGet: httpGetActionSchema,
    tcpSocket: tcpSocketActionSchema,
    grpc: grpcActionSchema,
    initialDelaySeconds: int32("Seconds from the start of the container to the first probe.", "dropped"),
    timeoutSeconds: int32("Seconds after which one probe has failed; 1 unless told.", "dropped"),
    periodSeconds: int32("Seconds between probes; 10 unless told.", "dropped"),
    successThreshold: int32("So many successes in a row, after a failure, make the container healthy.", "dropped"),
    failureThreshold: int32("So many failures in a row make the container unhealthy.", "dropped"),
    terminationGracePeriodSeconds: int64(
      "Seconds the container has to end when this probe fails; the pod's unless told.",
    ),
  },
);

const lifecycleHandlerSchema = object("What is done: one of exec, httpGet, tcpSocket, sleep.", {
  exec: execActionSchema,
  httpGet: httpGetActionSchema,
  tcpSocket: tcpSocketActionSchema,
  sleep: object("Waits.", { seconds: int64("For so many seconds.", "shown") }, { required: ["seconds"] }),
});

export const lifecycleSchema = object("What is done when a container starts and before it is stopped.", {
  postStart: lifecycleHandlerSchema,
  preStop: lifecycleHandlerSchema,
});

export type Probe = FromSchema<typeof probeSchema>;
export type HTTPGetAction = FromSchema<typeof httpGetActionSchema>;
export type GRPCAction = FromSchema<typeof grpcActionSchema>;
