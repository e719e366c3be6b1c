import assert from "node:assert/strict";
import { test } from "node:test";
import { editScript } from "./edit-script.ts";
import { goDiff } from "./go-diff.ts";

const container = (fields: object) => ({ containers: [{ name: "c", ...fields }] });

const cases: readonly [name: string, before: object, after: object, text: string][] = [
  ["nothing", container({}), container({}), ""],
  [
    "a text",
    container({ image: "a" }),
    container({ image: "b" }),
    '{v1.RevisionSpec}.PodSpec.Containers[0].Image:\n\t-: "a"\n\t+: "b"\n',
  ],
  [
    "a number behind a pointer",
    { timeoutSeconds: 1 },
    { timeoutSeconds: 2 },
    '*{v1.RevisionSpec}.TimeoutSeconds:\n\t-: "1"\n\t+: "2"\n',
  ],
  [
    "a pointer that was not set",
    {},
    { timeoutSeconds: 2 },
    '{v1.RevisionSpec}.TimeoutSeconds:\n\t-: "<nil>"\n\t+: "0xADDR"\n',
  ],
  [
    "a struct behind a pointer",
    container({}),
    container({ readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 5 } }),
    '{v1.RevisionSpec}.PodSpec.Containers[0].ReadinessProbe:\n\t-: "nil"\n\t+: "&Probe{ProbeHandler:ProbeHandler{Exec:nil,HTTPGet:nil,TCPSocket:&TCPSocketAction{Port:{0 80 },Host:,},GRPC:nil,},InitialDelaySeconds:0,TimeoutSeconds:0,PeriodSeconds:5,SuccessThreshold:0,FailureThreshold:0,TerminationGracePeriodSeconds:nil,}"\n',
  ],
  [
    "an element that is new",
    container({ env: [{ name: "A" }] }),
    container({ env: [{ name: "A" }, { name: "B", value: "b" }] }),
    '{v1.RevisionSpec}.PodSpec.Containers[0].Env[?->1]:\n\t+: v1.EnvVar: "{Name:B Value:b ValueFrom:nil}"\n',
  ],
  [
    "the later one where an element comes twice",
    container({ args: ["a"] }),
    container({ args: ["a", "a"] }),
    '{v1.RevisionSpec}.PodSpec.Containers[0].Args[?->1]:\n\t+: "a"\n',
  ],
  [
    "an element that is gone",
    container({ env: [{ name: "A" }, { name: "B" }] }),
    container({ env: [{ name: "B" }] }),
    '{v1.RevisionSpec}.PodSpec.Containers[0].Env[0->?]:\n\t-: v1.EnvVar: "{Name:A Value: ValueFrom:nil}"\n',
  ],
  [
    "an entry of a map",
    { nodeSelector: { a: "b" } },
    { nodeSelector: { a: "b", c: "d" } },
    '{v1.RevisionSpec}.PodSpec.NodeSelector["c"]:\n\t+: "d"\n',
  ],
  [
    "an amount",
    container({ resources: { limits: { cpu: "1", memory: "256Mi" } } }),
    container({ resources: { limits: { cpu: "1000m", memory: "1.5Gi" } } }),
    '{v1.RevisionSpec}.PodSpec.Containers[0].Resources.Limits["memory"]:\n\t-: resource.Quantity: "{i:{value:268435456 scale:0} d:{Dec:<nil>} s: Format:BinarySI}"\n\t+: resource.Quantity: "{i:{value:0 scale:0} d:{Dec:0xADDR} s: Format:BinarySI}"\n',
  ],
];

for (const [name, before, after, text] of cases) {
  test(`the changes of a revision tell ${name}`, () => {
    assert.equal(goDiff("{v1.RevisionSpec}", "RevisionSpec", before, after), text);
  });
}

const scripts: readonly [before: string, after: string, script: string][] = [
  ["", "", ""],
  ["abc", "abc", "==="],
  ["abc", "ac", "=-="],
  ["ac", "abc", "=+="],
  ["abc", "", "---"],
  ["abcd", "bcde", "-===+"],
];

for (const [before, after, script] of scripts) {
  test(`"${before}" becomes "${after}" by ${script || "nothing"}`, () => {
    const signs = { same: "=", changed: "~", removed: "-", added: "+" } as const;
    const edits = editScript(before.length, after.length, (x, y) =>
      before[x] === after[y] ? { same: 1, different: 0 } : { same: 0, different: 9 },
    );
    assert.equal(edits.map((edit) => signs[edit]).join(""), script);
  });
}
