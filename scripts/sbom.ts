/**
 * Writes what the programs are made of, by deno.lock, as CycloneDX.
 *
 *     deno task sbom [FILE]
 *
 * Default: dist/sbom.cdx.json. SOURCE_DATE_EPOCH puts a time into it; without, the same lock makes
 * the same file. Exit codes: 0 written, 2 bad usage.
 */

import { dirname, fromFileUrl, join } from "@std/path";
import project from "../deno.json" with { type: "json" };
import { type LockedPackage, toBill } from "./bill_of_materials.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const PROGRAMS = ["relay.ts", "server.ts", "file_server.ts"];

/** What is used of the lock. */
interface Lock {
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

/** What is used of what `deno info --json` prints. */
interface Info {
  readonly npmCache: string;
  readonly modules: readonly { readonly specifier: string }[];
}

async function main(args: readonly string[]): Promise<number> {
  if (args.length > 1 || args[0]?.startsWith("-") === true) {
    await say("Usage: deno task sbom [FILE]\n");
    return 2;
  }
  const path = args[0] ?? join(ROOT, "dist", "sbom.cdx.json");
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, await createSbom());
  await say(`Wrote ${path}\n`);
  return 0;
}

/** The text of the file. */
export async function createSbom(): Promise<string> {
  const { npm: packages }: Lock = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock")));
  const bill = toBill({
    version: project.version,
    packages,
    imported: await readImported(),
    licenses: await readLicenses(Object.keys(packages)),
    time: toTime(Deno.env.get("SOURCE_DATE_EPOCH")),
  });
  return `${JSON.stringify(bill, null, 2)}\n`;
}

/** The packages that the programs' own modules import. */
async function readImported(): Promise<ReadonlySet<string>> {
  const imported = new Set<string>();
  for (const program of PROGRAMS) {
    for (const { specifier } of (await readInfo(program)).modules) {
      const id = /^npm:\/?((?:@[^/]+\/)?[^/]+)/.exec(specifier)?.[1];
      if (id !== undefined) imported.add(id);
    }
  }
  return imported;
}

/** From the packages as Deno keeps them, if it does. */
async function readLicenses(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { npmCache } = await readInfo();
  const licenses = new Map<string, string>();
  for await (const { name: registry } of Deno.readDir(npmCache)) {
    for (const id of ids) {
      const at = id.lastIndexOf("@");
      const path = join(npmCache, registry, id.slice(0, at), id.slice(at + 1), "package.json");
      const text = await Deno.readTextFile(path).catch(() => "{}");
      const { license }: { license?: unknown } = JSON.parse(text);
      if (typeof license === "string") licenses.set(id, license);
    }
  }
  return licenses;
}

async function readInfo(program?: string): Promise<Info> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["info", "--json", ...program === undefined ? [] : [program]],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(`Cannot read modules: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function toTime(seconds: string | undefined): Date | undefined {
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000);
}

async function say(text: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
