import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inClusterConnection, loadKubeconfig, parseKubeconfig } from "./kubeconfig.ts";

const text = `
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c1
  cluster: {server: "https://1.2.3.4:6443", certificate-authority-data: Q0E=}
- name: c2
  cluster: {server: "https://five", certificate-authority: pki/ca.crt, insecure-skip-tls-verify: true, tls-server-name: six}
contexts:
- name: one
  context: {cluster: c1, user: u1, namespace: apps}
- name: two
  context: {cluster: c2, user: u2}
- name: three
  context: {cluster: c1, user: u3}
- name: broken
  context: {cluster: nowhere, user: u1}
users:
- name: u1
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
- name: u2
  user: {tokenFile: /var/token}
- name: u3
  user: {username: me, password: secret}
`;

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "hakn-kube-"));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

test("the current context's connection is read, with certificates given as data", () => {
  assert.deepEqual(parseKubeconfig(text, "/home/me/.kube"), {
    server: "https://1.2.3.4:6443",
    ca: "CA",
    cert: "CERT",
    key: "KEY",
    namespace: "apps",
  });
});

test("files are relative to the kubeconfig", () => {
  assert.deepEqual(parseKubeconfig(text, "/home/me/.kube", "two"), {
    server: "https://five",
    caFile: "/home/me/.kube/pki/ca.crt",
    tokenFile: "/var/token",
    skipTlsVerify: true,
    serverName: "six",
  });
});

test("a user may have a name and a password", () => {
  assert.deepEqual(parseKubeconfig(text, "/", "three").basic, { username: "me", password: "secret" });
});

test("what is missing is said", () => {
  assert.throws(() => parseKubeconfig(text, "/", "none"), /no context "none" \(there are: one, two, three, broken\)/);
  assert.throws(() => parseKubeconfig(text, "/", "broken"), /cluster "nowhere" of context "broken" has no server/);
  assert.throws(() => parseKubeconfig("", "/"), /current-context is not set/);
});

test("a file that cannot be read or parsed is named", async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, "config");
  await assert.rejects(loadKubeconfig(path), new RegExp(`cannot read the kubeconfig file ${path}`));
  await writeFile(path, "a: [");
  await assert.rejects(loadKubeconfig(path), new RegExp(`^Error: ${path}: `));
  await writeFile(path, text);
  assert.equal((await loadKubeconfig(path)).namespace, "apps");
});

test("a credential plugin is run with the request in its environment", async (t) => {
  const directory = await makeDirectory(t);
  const plugin = `#!/bin/sh
case "$KUBERNETES_EXEC_INFO" in *client.authentication.k8s.io/v1beta1*) ;; *) exit 1;; esac
echo '{"status":{"token":"'$1-$EXTRA'","expirationTimestamp":"2030-01-01T00:00:00Z"}}'
`;
  await writeFile(join(directory, "plugin"), plugin, { mode: 0o755 });
  const exec = `{apiVersion: client.authentication.k8s.io/v1beta1, command: ./plugin, args: [abc], env: [{name: EXTRA, value: x}]}`;
  const config = text.replace("{tokenFile: /var/token}", `{exec: ${exec}}`);
  const connection = parseKubeconfig(config, directory, "two");
  assert.deepEqual(await connection.exec?.(), { token: "abc-x", expiresAtMs: Date.parse("2030-01-01T00:00:00Z") });
});

test("a pod finds its API server, CA, token and namespace below its root", async (t) => {
  const root = await makeDirectory(t);
  const directory = join(root, "var/run/secrets/kubernetes.io/serviceaccount");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "namespace"), "knative-serving");
  assert.deepEqual(await inClusterConnection({ host: "fd00::1", port: "443", root }), {
    server: "https://[fd00::1]:443",
    caFile: join(directory, "ca.crt"),
    tokenFile: join(directory, "token"),
    namespace: "knative-serving",
  });
});
