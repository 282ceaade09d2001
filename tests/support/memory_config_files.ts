/** Configuration files that are on no disk. */

import { ConfigError } from "../../lib/base/errors.ts";
import type { ConfigFiles } from "../../lib/config/config_files.ts";

/** Files by path, private to their owner unless `mode` says otherwise. */
export function memoryConfigFiles(
  texts: Readonly<Record<string, string>>,
  mode = 0o600,
): ConfigFiles {
  return {
    cwd: "/home/user",
    read: (path) => {
      const text = Object.hasOwn(texts, path) ? texts[path] : undefined;
      return Promise.resolve(text === undefined ? undefined : { text, mode });
    },
  };
}

/** The ConfigError that `act` throws, as text and place; fails where it throws none. */
export async function configErrorOf(act: () => unknown): Promise<ConfigError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("Expected a ConfigError: nothing was thrown");
}
