import { expandHosts, sortBytes } from "../../apis/networking/hosts.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import { hashIngress, insertProbe } from "../../apis/networking/ingress-hash.ts";

interface Request {
  readonly ingress?: Ingress;
  readonly hosts?: readonly string[];
  readonly visibilityToKeys?: Readonly<Record<string, readonly string[]>>;
}

const defaultKeys = { ExternalIP: ["external"], ClusterLocal: ["local"] };

/** Op `ingress`: an Ingress's hash, its probes, and its hosts by gateway. Throws for bad requests. */
export function answerIngress({ ingress, hosts, visibilityToKeys = defaultKeys }: Request): unknown {
  if (!ingress && !hosts) throw new Error("ingress or hosts is missing");
  return {
    ...(hosts && { expandedHosts: expandHosts(hosts) }),
    ...(ingress && describe(ingress, visibilityToKeys)),
  };
}

function describe(ingress: Ingress, visibilityToKeys: NonNullable<Request["visibilityToKeys"]>): object {
  const hash = hashIngress(ingress);
  const byKey = new Map<string, Set<string>>();
  for (const { hosts = [], visibility } of ingress.spec.rules ?? []) {
    for (const key of visibilityToKeys[visibility ?? ""] ?? []) {
      byKey.set(key, new Set([...(byKey.get(key) ?? []), ...expandHosts(hosts)]));
    }
  }
  const shared = {
    hash,
    hostsPerVisibility: Object.fromEntries([...byKey].map(([key, hosts]) => [key, sortBytes(hosts)])),
  };
  try {
    const { apiVersion: _, kind: __, ...probed } = insertProbe(ingress);
    return { ...shared, probed, probeHash: hash };
  } catch (error) {
    return { ...shared, probeError: (error as Error).message };
  }
}
