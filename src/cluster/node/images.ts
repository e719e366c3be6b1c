import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { parseImageReference } from "../registry/reference.ts";
import { type RegistryRequest, send, textOf } from "../registry/request.ts";
import { unpackLayer } from "./unpack.ts";

/** An image that is unpacked on this machine. */
export interface Image {
  readonly digest: string;
  /** The root of its files, shared by all who run it. */
  readonly root: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly sizeBytes: number;
}

export interface Pulled {
  readonly image: Image;
  /** "repository@digest". */
  readonly imageID: string;
  /** Whether it had to be fetched. */
  readonly fetched: boolean;
}

export interface ImagePuller {
  /** Rejects with an error for people when the image cannot be had. */
  pull(reference: string, signal: AbortSignal): Promise<Pulled>;
}

/** The text is no image reference: it makes no sense to try again. */
export class InvalidImageNameError extends Error {}

/** Keeps unpacked images below `directory`, each digest once. Images come from registries on this machine. */
export function createImagePuller(directory: string): ImagePuller {
  const underWay = new Map<string, Promise<{ image: Image; fetched: boolean }>>();
  mkdirSync(directory, { recursive: true });
  // A program without a package.json must not get one from the directories above, such as the user's home.
  writeFileSync(join(directory, "package.json"), "{}\n");
  return {
    async pull(text, signal) {
      const reference = parseImageReference(text);
      if (!reference) throw new InvalidImageNameError(`couldn't parse image name "${text}": invalid reference format`);
      const { host, repository } = reference;
      if (!/^(localhost|127(\.\d+){3})(:\d+)?$/.test(host)) {
        throw new Error(
          `image "${text}" is not in the local registry: the embedded cluster runs programs of this machine, which ` +
            "`hakn deploy <directory>` packs into images; it does not run images of other registries",
        );
      }
      const base = `http://${host.replace("localhost", "127.0.0.1")}/v2/${repository}`;
      const digest = reference.digest ?? (await resolveTag(base, reference.tag ?? "latest", text, signal));
      let job = underWay.get(digest);
      if (!job) {
        job = ensureUnpacked(directory, base, digest, text).finally(() => underWay.delete(digest));
        underWay.set(digest, job);
      }
      // Others may wait for the same image: the work goes on when one of them gives up.
      return { ...(await Promise.race([job, rejectionOf(signal)])), imageID: `${host}/${repository}@${digest}` };
    },
  };
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

const acceptedTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

async function resolveTag(base: string, tag: string, text: string, signal: AbortSignal): Promise<string> {
  const response = await ask(`${base}/manifests/${tag}`, text, { method: "HEAD", signal });
  response.resume();
  const digest = response.headers["docker-content-digest"];
  if (typeof digest === "string") return digest;
  throw new Error(`failed to resolve reference "${text}": the registry told no digest`);
}

async function ask(url: string, text: string, options: RegistryRequest = {}): Promise<IncomingMessage> {
  const failed = `failed to resolve reference "${text}"`;
  const response = await send(url, { ...options, headers: { Accept: acceptedTypes } }).catch((error: Error) => {
    throw new Error(`${failed}: the image registry cannot be reached: ${error.message}`, { cause: error });
  });
  if (response.statusCode === 200) return response;
  response.resume();
  if (response.statusCode === 404) throw new Error(`${failed}: ${text}: not found`);
  throw new Error(`${failed}: unexpected status from GET request to ${url}: ${response.statusCode}`);
}

async function askJson<T>(url: string, text: string): Promise<T> {
  return JSON.parse(await textOf(await ask(url, text))) as T;
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string; readonly mediaType: string; readonly size: number }[];
}

interface ImageConfig {
  readonly config?: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Env?: readonly string[] | null;
    readonly WorkingDir?: string;
  };
}

async function ensureUnpacked(
  directory: string,
  base: string,
  digest: string,
  text: string,
): Promise<{ image: Image; fetched: boolean }> {
  const place = join(directory, digest.slice("sha256:".length));
  const root = join(place, "root");
  const present = await readFile(join(place, "image.json"), "utf8").catch(() => undefined);
  if (present !== undefined) {
    // Tells which images were used last, for when room has to be made.
    const now = new Date();
    await utimes(join(place, "image.json"), now, now);
    return { image: { ...(JSON.parse(present) as Image), root }, fetched: false };
  }

  const manifest = await askJson<Manifest>(`${base}/manifests/${digest}`, text);
  if (!manifest.config || !manifest.layers)
    throw new Error(`${text}: an index of several platforms cannot be run here`);
  const { config = {} } = await askJson<ImageConfig>(`${base}/blobs/${manifest.config.digest}`, text);
  const temporary = `${place}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    await mkdir(join(temporary, "root"), { recursive: true });
    for (const { digest: layer, mediaType } of manifest.layers) {
      const body = await ask(`${base}/blobs/${layer}`, text);
      await unpackLayer(body, mediaType.endsWith("gzip"), join(temporary, "root"));
    }
    const image: Omit<Image, "root"> = {
      digest,
      entrypoint: config.Entrypoint ?? [],
      command: config.Cmd ?? [],
      env: Object.fromEntries((config.Env ?? []).map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string])),
      workingDir: config.WorkingDir || "/",
      sizeBytes: manifest.layers.reduce((sum, { size }) => sum + size, 0),
    };
    await writeFile(join(temporary, "image.json"), JSON.stringify(image), { flush: true });
    await rename(temporary, place).catch((error: NodeJS.ErrnoException) => {
      // Another agent was faster; the contents are the same.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    return { image: { ...image, root }, fetched: true };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
