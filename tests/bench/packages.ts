/** Programs of others that no package manager of the system has, and where they are kept. */

import { join } from "@std/path";
import type { Install } from "./programs.ts";

interface Package {
  readonly name: string;
  readonly version: string;
}

export interface Crate extends Package {
  /** The program, where it is not named as the crate. */
  readonly program?: string;
  /** Default true: with just the dependencies that its authors had. */
  readonly isLocked?: boolean;
}

/** A Rust program in a folder of its own below `cache`, built by cargo. */
export function toCrate(
  cache: string,
  { name, version, program = name, isLocked = true }: Crate,
): Install {
  const folder = join(cache, `${name}-${version}`);
  const locked = isLocked ? ["--locked"] : [];
  return {
    program: "cargo",
    args: ["install", name, "--version", version, ...locked, "--root", folder],
    result: join(folder, "bin", program),
  };
}

/** A program for Node.js in a folder of its own below `cache`; `entry` is its script. */
export function toNodePackage(
  cache: string,
  { name, version, entry }: Package & { readonly entry: string },
): Install {
  const folder = join(cache, `${name}-${version}`);
  return {
    program: "npm",
    args: ["install", "--no-audit", "--no-fund", "--prefix", folder, `${name}@${version}`],
    result: join(folder, "node_modules", name, entry),
  };
}
