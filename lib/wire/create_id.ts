/** Ids of exchanges and sessions (docs/protocol.md). */

import { randomBytes } from "node:crypto";

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * 128 random bits in the spelling of a ULID, which is what ids look like to an original server. No
 * time in it: the id is what guards an answer, so all of it is random.
 */
export function createId(): string {
  const bytes = randomBytes(26);
  let id = "";
  for (const [i, byte] of bytes.entries()) id += CROCKFORD[byte & (i === 0 ? 7 : 31)];
  return id;
}
