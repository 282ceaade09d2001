/** `ptth_relay hash-api-key`: a key from standard input, its tripcode to standard output. */

import { promptSecret } from "@std/cli/prompt-secret";
import { checkKey, KEY_HINT } from "../auth/key_strength.ts";
import { toTripcode } from "../auth/tripcode.ts";
import { ConfigError } from "../base/errors.ts";
import { print } from "./run_main.ts";

/** @throws {ConfigError} for a key that is too weak, or none. */
export async function hashApiKey(): Promise<void> {
  const key = (await readSecret()).trimEnd();
  const verdict = await checkKey(key);
  if (!verdict.ok) {
    throw new ConfigError(`Cannot use this key: ${verdict.reason}`, { hint: KEY_HINT });
  }
  print(`${toTripcode(key)}\n`);
}

async function readSecret(): Promise<string> {
  // On a terminal nothing is shown of what is typed.
  if (Deno.stdin.isTerminal()) return promptSecret("Key: ", { mask: "" }) ?? "";
  return await new Response(Deno.stdin.readable).text();
}
