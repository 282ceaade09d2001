/** Writes a server's first configuration file, with a key that nobody else has. */

import { createDicewareKey } from "../auth/key_maker.ts";
import { ConfigError, toMessage } from "../base/errors.ts";
import type { NewConfig } from "./load_server_config.ts";

const DEFAULT_NAME = "my-server";
const DEFAULT_RELAY_URL = "https://relay.example.com";

/** What the new file says. */
export interface WrittenConfig {
  readonly name: string;
  /** The secret. */
  readonly apiKey: string;
}

/**
 * Creates the file, readable by its owner alone.
 *
 * @throws {ConfigError} where there is one already, which stays as it is, or none can be written.
 */
export async function writeNewConfig(
  { path, name = DEFAULT_NAME, relayUrl = DEFAULT_RELAY_URL }: NewConfig,
): Promise<WrittenConfig> {
  const apiKey = createDicewareKey();
  // What JSON escapes, TOML escapes alike; a name has nothing to escape.
  const text = `# The configuration of ptth_server. Whoever can read the key can serve in its place.
name = "${name}"
api_key = "${apiKey}"
relay_url = ${JSON.stringify(relayUrl)}
# The folder that visitors see under /files/; without this line, the working directory.
# file_server_root = "/home/me/public"
`;
  try {
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o600 });
    return { name, apiKey };
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new ConfigError("Cannot write a new configuration: the file is there already", {
        file: path,
        hint: "It stays as it is; name another one by --config",
      });
    }
    throw new ConfigError(`Cannot write the file: ${toMessage(error)}`, { file: path });
  }
}
