/** Finding a program's configuration file, and who may read it. Reading itself is passed in. */

import { ConfigError } from "../base/errors.ts";
import type { Given } from "./given.ts";
import type { Program } from "./program.ts";

export interface ConfigFile {
  readonly text: string;
  /** Permission bits on Unix; null where the system has none. */
  readonly mode: number | null;
}

/** The files of the computer, as far as configuration needs them. */
export interface ConfigFiles {
  /** The working directory, for messages. */
  readonly cwd: string;
  /**
   * The file at `path`; undefined where there is none.
   *
   * @throws {ConfigError} where there is one that cannot be read.
   */
  read(path: string): Promise<ConfigFile | undefined>;
}

/** A configuration file, and the name it was found by. */
export interface FoundFile extends ConfigFile {
  readonly path: string;
}

/**
 * The file that `--config` names, else the first of the program's places that has one; undefined
 * where none has.
 */
export async function findConfigFile(
  files: ConfigFiles,
  options: { readonly program: Program; readonly config: Given | undefined },
): Promise<FoundFile | undefined> {
  for (const path of placesOf(options)) {
    const file = await files.read(path);
    if (file !== undefined) return { ...file, path };
  }
  return undefined;
}

/** The error for a program that finds no configuration file: where it looked, and what to do. */
export function noConfigFile(
  files: ConfigFiles,
  options: { readonly program: Program; readonly config: Given | undefined; readonly hint: string },
): ConfigError {
  const [first = "", ...others] = placesOf(options).map((path) => `"${path}"`);
  const looked = [first, ...others].join(" nor ");
  return new ConfigError(`Cannot find a configuration file: no ${looked} in "${files.cwd}"`, {
    hint: options.hint,
  });
}

/** Where the file is looked for; where it would be written, first. */
export function placesOf(
  { program, config }: { readonly program: Program; readonly config: Given | undefined },
): readonly string[] {
  return config === undefined ? program.configFiles : [String(config.value)];
}

/** True where nobody but its owner can read or write a file of `mode`. */
export function isPrivate(mode: number | null): boolean {
  return mode === null || (mode & 0o077) === 0;
}
