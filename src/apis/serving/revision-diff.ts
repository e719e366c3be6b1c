import type { Schema } from "../schema.ts";
export function goDiff(_root: string, _schema: Schema, _old: unknown, _now: unknown): string {
  return "";
}
