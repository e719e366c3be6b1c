import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** What we read of a line of Kubernetes' audit log (audit.k8s.io/v1, level Metadata). */
export interface AuditEvent {
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly verb: string;
  readonly userAgent: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/** Reads what an audit log has got since the last call. */
export interface AuditLog {
  read(): readonly AuditEvent[];
  close(): void;
}

/** Follows an audit log from its present end on. */
export function followAuditLog(path: string): AuditLog {
  const file = openSync(path, "r");
  let offset = fstatSync(file).size;
  return {
    read() {
      const size = fstatSync(file).size;
      const bytes = Buffer.alloc(size - offset);
      readSync(file, bytes, 0, bytes.length, offset);
      const end = bytes.lastIndexOf("\n") + 1;
      offset += end;
      const lines = bytes.toString("utf8", 0, end).split("\n");
      return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as AuditEvent);
    },
    close: () => closeSync(file),
  };
}

/** The program that asked: the first word of its user agent. */
export function programOf({ userAgent }: AuditEvent): string {
  return userAgent.split(/[ /]/)[0] ?? "";
}

/** `verb resource/subresource`, with what came of it unless it succeeded. */
export function describeRequest({ verb, objectRef, responseStatus }: AuditEvent): string {
  const { resource = "", subresource } = objectRef ?? {};
  const code = responseStatus?.code ?? 0;
  return `${verb} ${resource}${subresource ? `/${subresource}` : ""}${code >= 400 ? ` (${code})` : ""}`;
}

/** The requests of some programs but watches, which last, counted by what they asked for: most frequent first. */
export function countRequests(events: readonly AuditEvent[], programs: ReadonlySet<string>): [string, number][] {
  const counts = new Map<string, number>();
  for (const event of events) {
    if (event.verb === "watch" || !programs.has(programOf(event))) continue;
    const what = `${programOf(event)}: ${describeRequest(event)}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}
