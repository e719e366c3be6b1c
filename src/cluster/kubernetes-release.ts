/** The Kubernetes release that the embedded cluster is like: that of its API, its controllers and its node. */
export const kubernetesRelease = { major: "1", minor: "34", patch: "4" } as const;

const { major, minor, patch } = kubernetesRelease;
/** As it is written: "v1.34.4". */
export const kubernetesVersion = `v${major}.${minor}.${patch}`;
