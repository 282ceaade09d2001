/** `ptth_relay hash-api-key`: a key from standard input, its tripcode to standard output. */

import { checkKey, KEY_HINT } from "../auth/key_strength.ts";
import { toTripcode } from "../auth/tripcode.ts";
import { ConfigError } from "../base/errors.ts";
import { readSecret } from "./read_secret.ts";
import { print } from "./run_main.ts";

/** @throws {ConfigError} for a key that is too weak, or none. */
export async function hashApiKey(): Promise<void> {
  const key = await readSecret("Key: ");
  const verdict = await checkKey(key);
  if (!verdict.ok) {
    throw new ConfigError(`Cannot use this key: ${verdict.reason}`, { hint: KEY_HINT });
  }
  print(`${toTripcode(key)}\n`);
}
