import assert from "node:assert/strict";
import { test } from "node:test";
import { createDockerConfigKeychain } from "./docker-config.ts";
import { fakeSurroundings } from "./surroundings-world.ts";

const signal = new AbortController().signal;
const image = { registry: "ghcr.io", repository: "acme/app" };
const config = (username: string) => JSON.stringify({ auths: { "ghcr.io": { username, password: "pw" } } });

for (const [name, env, expected] of [
  ["$DOCKER_CONFIG", { DOCKER_CONFIG: "/etc/docker", HOME: "/home/me" }, ["named"]],
  ["$HOME/.docker", { HOME: "/home/me" }, ["mine"]],
  ["nowhere", {}, []],
  ["a directory without it", { DOCKER_CONFIG: "/elsewhere" }, []],
] as const) {
  test(`config.json is read from ${name}`, async () => {
    const files = { "/etc/docker/config.json": config("named"), "/home/me/.docker/config.json": config("mine") };
    const found = await createDockerConfigKeychain(fakeSurroundings({ env, files })).credentialsFor(image, signal);
    assert.deepEqual(
      found.map(({ username }) => username),
      expected,
    );
  });
}

test("other registries have no credentials in it", async () => {
  const surroundings = fakeSurroundings({ env: { HOME: "/" }, files: { "//.docker/config.json": config("me") } });
  const keychain = createDockerConfigKeychain(surroundings);
  assert.deepEqual(await keychain.credentialsFor({ ...image, registry: "quay.io" }, signal), []);
});

test("a file that changed is read anew", async () => {
  const files: Record<string, string> = { "/d/config.json": config("old") };
  const surroundings = fakeSurroundings({ env: { DOCKER_CONFIG: "/d" }, files });
  const keychain = createDockerConfigKeychain(surroundings);
  const username = async () => (await keychain.credentialsFor(image, signal))[0]?.username;
  assert.equal(await username(), "old");
  files["/d/config.json"] = config("new");
  assert.equal(await username(), "old");
  await surroundings.clock.advance(30_000);
  assert.equal(await username(), "new");
});

test("a file that is no JSON is named", async () => {
  const surroundings = fakeSurroundings({ env: { DOCKER_CONFIG: "/d" }, files: { "/d/config.json": "{oops" } });
  const asked = createDockerConfigKeychain(surroundings).credentialsFor(image, signal);
  await assert.rejects(asked, { message: "/d/config.json is not JSON" });
});
