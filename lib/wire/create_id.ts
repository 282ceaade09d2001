/** Ids of exchanges and sessions (docs/protocol.md). */

import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { ID_CHARS } from "./modern.ts";

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Random bytes for ids to come: many at once cost hardly more than those of one. */
const pool = Buffer.alloc(128 * ID_CHARS);
let used = pool.length;

/**
 * 128 random bits in the spelling of a ULID, which is what ids look like to an original server. No
 * time in it: the id is what guards an answer, so all of it is random.
 */
export function createId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    for (let i = 0; i < pool.length; i++) {
      const bits = (pool[i] ?? 0) & (i % ID_CHARS === 0 ? 7 : 31);
      pool[i] = CROCKFORD.charCodeAt(bits);
    }
    used = 0;
  }
  const id = pool.toString("latin1", used, used + ID_CHARS);
  used += ID_CHARS;
  return id;
}
