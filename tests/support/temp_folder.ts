/** A folder for one test, gone when the test ends. */

import { dirname, join } from "@std/path";

export class TempFolder {
  /** Its real path. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<TempFolder> {
    return new TempFolder(await Deno.realPath(await Deno.makeTempDir({ prefix: "ptth_test_" })));
  }

  /** The path of something below it. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file, with the folders above it, and dates it; returns its path. */
  async write(name: string, content: string | Uint8Array, mtime?: Date): Promise<string> {
    const path = this.at(name);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    if (mtime !== undefined) await Deno.utime(path, mtime, mtime);
    return path;
  }

  /** The names in it, in no order. */
  async list(): Promise<string[]> {
    return await Array.fromAsync(Deno.readDir(this.path), ({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
