/**
 * Reads the module graph of lib/ and the programs, offline, and reports every breach of the layer
 * rules in `layer_breaches.ts`. Exit codes: 0 none, 1 some.
 */

import { fromFileUrl, join, toFileUrl } from "@std/path";
import { type Breach, findBreaches, type Module } from "./layer_breaches.ts";

const ROOT = new URL("../", import.meta.url);
const PROGRAMS = ["relay.ts", "server.ts", "file_server.ts"];
/** What programs of other people import. */
const LIBRARY = ["lib/server/serve.ts"];

/** The part of `deno info --json` that is used. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

async function main(): Promise<number> {
  const modules = await readModules(await findModules());
  const breaches = findBreaches(modules, { entries: [...PROGRAMS, ...LIBRARY] });
  await say(formatBreaches(breaches, modules.length));
  return breaches.length === 0 ? 0 : 1;
}

function formatBreaches(breaches: readonly Breach[], count: number): string {
  const lines = breaches.map(({ path, reason }) => `${path}: ${reason}\n`);
  return `${lines.join("")}Layers: ${count} modules, ${breaches.length} breaches\n`;
}

/** The programs and all of lib/, reached or not. */
async function findModules(): Promise<readonly string[]> {
  const paths: string[] = [...PROGRAMS];
  const folders = ["lib"];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
      if (isDirectory) folders.push(`${folder}/${name}`);
      else if (name.endsWith(".ts") && !name.endsWith(".d.ts")) paths.push(`${folder}/${name}`);
    }
  }
  return paths.sort();
}

async function readModules(paths: readonly string[]): Promise<readonly Module[]> {
  const graph = await readGraph(paths);
  const importsOf = new Map(graph.modules.map(({ specifier, dependencies = [] }) => [
    specifier,
    dependencies.map(({ code, type }) => code?.specifier ?? type?.specifier ?? ""),
  ]));
  return await Promise.all(paths.map(async (path) => {
    const url = new URL(path, ROOT);
    const imports = importsOf.get(url.href)?.filter((other) =>
      other.startsWith(ROOT.href) && other.endsWith(".ts")
    )
      .map((other) => decodeURIComponent(other.slice(ROOT.href.length)));
    return { path, text: await Deno.readTextFile(url), imports: imports ?? [] };
  }));
}

/** `deno info` takes one file only: a temporary one that imports all. */
async function readGraph(paths: readonly string[]): Promise<ModuleGraph> {
  const folder = await Deno.makeTempDir({ prefix: "ptth_layers_" });
  try {
    const all = join(folder, "all.ts");
    const urls = paths.map((path) => new URL(path, ROOT).href);
    await Deno.writeTextFile(all, urls.map((url) => `import ${JSON.stringify(url)};\n`).join(""));
    const config = fromFileUrl(new URL("deno.json", ROOT));
    const { success, stdout } = await new Deno.Command("deno", {
      args: ["info", "--json", "--no-npm", "--no-remote", "--config", config, toFileUrl(all).href],
      stderr: "inherit",
    }).output();
    if (!success) throw new Error("Cannot read the module graph: deno info failed");
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await main());
