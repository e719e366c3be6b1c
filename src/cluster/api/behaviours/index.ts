import type { Behaviour } from "../resource.ts";

/** What the server does for each built-in kind beyond storing it, by storage key. */
export const behaviours: Readonly<Record<string, Behaviour>> = {};
