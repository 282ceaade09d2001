/** Configuration files of this computer. */

import { ConfigError } from "../base/errors.ts";
import { MAX_CONFIG_BYTES } from "../base/limits.ts";
import type { ConfigFile, ConfigFiles } from "../config/config_files.ts";

/** Reads from the disk. */
export const diskConfigFiles: ConfigFiles = {
  get cwd(): string {
    return Deno.cwd();
  },
  read: readConfigFile,
};

/**
 * The UTF-8 file at `path` and its permission bits, both of the same opened file; undefined where
 * there is none.
 *
 * @throws {ConfigError} where it cannot be read, is too long or is not UTF-8.
 */
export async function readConfigFile(path: string): Promise<ConfigFile | undefined> {
  try {
    using file = await Deno.open(path);
    const { mode, isDirectory } = await file.stat();
    if (isDirectory) throw new ConfigError("Cannot read file: it is a folder", { file: path });
    return { text: await readText(file, path), mode };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError(`Cannot read file: ${toReason(error)}`, { file: path });
  }
}

/** Counts what it reads: a device says of itself that it is empty, and has no end. */
async function readText(file: Deno.FsFile, path: string): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let length = 0;
  for await (const chunk of file.readable) {
    length += chunk.length;
    if (length > MAX_CONFIG_BYTES) {
      throw new ConfigError(`Cannot read file: longer than ${MAX_CONFIG_BYTES} bytes`, {
        file: path,
      });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function toReason(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotCapable) return "Deno needs --allow-read for it";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  if (error instanceof TypeError) return "it is not UTF-8 text";
  return "the system refuses it";
}
