import type { Pod } from "../../apis/core/pod.ts";
import type { Container } from "../../apis/core/pod-spec.ts";
import { parseQuantity } from "../../lib/quantity.ts";

/** What the downward API tells of the place where the pod runs. */
export interface Place {
  readonly podIP: string;
  readonly hostIP: string;
  /** What stands for a limit that is not set. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a field of the pod. Throws for a path that there is not. Source: kubelet podFieldSelectorRuntimeValue. */
export function fieldValue(pod: Pod, path: string, place: Place): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript) return pod.metadata[subscript[1] as "labels" | "annotations"]?.[subscript[2]!] ?? "";
  switch (path) {
    case "metadata.name":
      return pod.metadata.name;
    case "metadata.namespace":
      return pod.metadata.namespace ?? "";
    case "metadata.uid":
      return pod.metadata.uid ?? "";
    case "metadata.labels":
      return formatMap(pod.metadata.labels);
    case "metadata.annotations":
      return formatMap(pod.metadata.annotations);
    case "spec.nodeName":
      return pod.spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "default";
    case "status.podIP":
    case "status.podIPs":
      return place.podIP;
    case "status.hostIP":
    case "status.hostIPs":
      return place.hostIP;
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

function formatMap(map: Readonly<Record<string, string>> = {}): string {
  const names = Object.keys(map).sort();
  return names.map((name) => `${name}=${JSON.stringify(map[name])}`).join("\n");
}

/** A request or limit, in units of `divisor`, rounded up. Source: k8s.io/component-helpers resource ExtractContainerResourceValue. */
export function resourceValue(
  container: Pick<Container, "resources"> | undefined,
  selector: { readonly resource: string; readonly divisor?: string | number },
  place: Place,
): string {
  const [kind, name = ""] = selector.resource.split(/\.(.*)/s);
  if (kind !== "limits" && kind !== "requests") throw new Error(`unsupported container resource: ${selector.resource}`);
  const { limits = {}, requests = {} } = container?.resources ?? {};
  const amount = kind === "limits" ? (limits[name] ?? place.allocatable[name]) : (requests[name] ?? limits[name]);
  const divisor = parseQuantity(String(selector.divisor ?? "0")).nano || 1_000_000_000n;
  const nano = parseQuantity(String(amount ?? "0")).nano;
  return String((nano + divisor - 1n) / divisor);
}
