/** Whether a contestant's program is there, and getting it. */

import type { Command, Contestant } from "./contestant.ts";

export interface InstallOptions {
  readonly installs: boolean;
  readonly say: (line: string) => Promise<void>;
}

/** Its version, or null where it is not to be had. */
export async function toInstalled(
  { name, version, install }: Contestant,
  { installs, say }: InstallOptions,
): Promise<string | null> {
  if (install !== undefined && !await exists(install.result)) {
    if (!installs) {
      await say(`NOT MEASURED: ${name} is not installed (--install installs it)`);
      return null;
    }
    await say(`Installing ${name}`);
    if (await run(install, "inherit") === undefined) {
      await say(`NOT MEASURED: ${name} cannot be installed here`);
      return null;
    }
  }
  const text = await run(version, "piped");
  if (text === undefined) await say(`NOT MEASURED: ${name} is not installed`);
  return text === undefined ? null : /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? "of unknown version";
}

/** What it printed; undefined where it cannot be started, or fails. */
async function run(
  { program, args }: Command,
  output: "piped" | "inherit",
): Promise<string | undefined> {
  try {
    const { code, ...texts } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: output,
      stderr: output,
    }).output();
    if (code !== 0) return undefined;
    if (output === "inherit") return "";
    const decoder = new TextDecoder();
    return decoder.decode(texts.stdout) + decoder.decode(texts.stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
