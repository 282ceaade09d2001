/** The servers of a crowd, which relay and servers have to agree on. */

import { createHash } from "node:crypto";

/** The n-th. */
export function toCrowdServer(n: number): { readonly name: string; readonly key: string } {
  // One that looks random: how hard others are to guess takes long to find out.
  const key = createHash("sha256").update(`idle ${n}`).digest("base64url");
  return { name: `idle${n}`, key };
}
