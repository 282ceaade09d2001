/**
 * Builds the original PTTH programs (relay 2.0.0, server 2.1.0) from crates.io, once, into a folder
 * outside the tree: `$PTTH_INTEROP_CACHE`, else `ptth-interop` below the user's cache folder.
 * Deleting that folder makes the next run build anew.
 */

import { fromFileUrl, join } from "@std/path";

/** Paths of the two original programs, ready to run. */
export interface Originals {
  readonly relay: string;
  readonly server: string;
}

export type BuildOutcome =
  | { readonly kind: "built"; readonly originals: Originals }
  | { readonly kind: "unavailable"; readonly reason: string };

const SERVER_CRATE = fromFileUrl(new URL("./originals/server", import.meta.url));

/**
 * Finds the original programs, building what is missing. That they cannot be built here is an
 * outcome, not an error: interoperation is then untested, which the caller has to say.
 */
export async function buildOriginals(
  say: (line: string) => Promise<void>,
): Promise<BuildOutcome> {
  const cache = cacheFolder();
  if (cache === undefined) {
    return { kind: "unavailable", reason: "no cache folder: set PTTH_INTEROP_CACHE" };
  }
  const originals = toOriginals(cache);
  const sources: readonly [keyof Originals, readonly string[]][] = [
    ["relay", ["ptth_relay", "--version", "2.0.0"]],
    ["server", ["--path", SERVER_CRATE]],
  ];
  for (const [program, source] of sources) {
    if (await isFile(originals[program])) continue;
    await say(`Building the original ${program} (some minutes, once) into ${cache}`);
    const reason = await cargoInstall(source, join(cache, program));
    if (reason !== undefined) {
      return { kind: "unavailable", reason: `original ${program}: ${reason}` };
    }
  }
  return { kind: "built", originals };
}

/** The original programs, where they have been built already. */
export async function findOriginals(): Promise<Originals | undefined> {
  const cache = cacheFolder();
  if (cache === undefined) return undefined;
  const originals = toOriginals(cache);
  const isBuilt = await isFile(originals.relay) && await isFile(originals.server);
  return isBuilt ? originals : undefined;
}

function toOriginals(cache: string): Originals {
  return {
    relay: join(cache, "relay", "bin", "ptth_relay"),
    server: join(cache, "server", "bin", "ptth_server"),
  };
}

function cacheFolder(): string | undefined {
  const chosen = Deno.env.get("PTTH_INTEROP_CACHE");
  if (chosen) return chosen;
  const xdg = Deno.env.get("XDG_CACHE_HOME");
  if (xdg) return join(xdg, "ptth-interop");
  const home = Deno.env.get("HOME");
  return home ? join(home, ".cache", "ptth-interop") : undefined;
}

/** Runs `cargo install`; the reason where that fails. Cargo's progress goes to the terminal. */
async function cargoInstall(source: readonly string[], root: string): Promise<string | undefined> {
  // Not in the crate's folder, which is in the tree; and not kept, being a gigabyte.
  const target = await Deno.makeTempDir({ prefix: "ptth_interop_target_" });
  try {
    const { code } = await new Deno.Command("cargo", {
      args: ["install", ...source, "--locked", "--root", root, "--target-dir", target],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    return code === 0 ? undefined : `cargo ended with status ${code}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "cargo is not installed";
    throw error;
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
