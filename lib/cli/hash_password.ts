/** `ptth_file_server hash-password`: a password from standard input, its hash to standard output. */

import { hashPassword } from "../auth/password.ts";
import { ConfigError } from "../base/errors.ts";
import { readSecret } from "./read_secret.ts";
import { print } from "./run_main.ts";

/** @throws {ConfigError} where there is no password, or on a terminal the two are not the same. */
export async function printPasswordHash(): Promise<void> {
  const password = await readSecret("Password: ");
  if (password === "") throw new ConfigError("Cannot use this password: it is empty");
  if (Deno.stdin.isTerminal() && await readSecret("The same again: ") !== password) {
    throw new ConfigError("Cannot use this password: the second one is another");
  }
  print(`${await hashPassword(password)}\n`);
}
