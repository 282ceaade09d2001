/**
 * Checks that deno.json, the Markdown files and the code agree. `--write` makes the generated
 * blocks anew first. Exit codes: 0 they agree, 1 they do not, 2 bad usage.
 */

import project from "../deno.json" with { type: "json" };
import { createBlocks, fillBlocks } from "./doc_blocks.ts";
import { findProblems, type Project } from "./doc_problems.ts";

const ROOT = new URL("../", import.meta.url);

async function main(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg !== "--write")) {
    await say("Usage: deno task docs [--write]\n");
    return 2;
  }
  if (args.includes("--write")) await writeBlocks(await readProject());
  const problems = findProblems(await readProject());
  await say(`${problems.map((line) => `${line}\n`).join("")}Docs: ${problems.length} problems\n`);
  return problems.length === 0 ? 0 : 1;
}

/** The project as it is on the disk. */
export async function readProject(): Promise<Project> {
  const paths = new Set<string>();
  await collectPaths("", paths);
  const markdown = [...paths].filter((path) => /^(?:docs\/.+|[^/]+)\.md$/.test(path)).sort();
  const tests = [...paths].filter((path) => /^tests\/.+_test\.ts$/.test(path));
  return {
    files: await readTexts(markdown),
    tests: await readTexts(tests),
    paths,
    tasks: Object.keys(project.tasks),
    packages: Object.values(project.imports),
    version: project.version,
    blocks: createBlocks(await Deno.readTextFile(new URL("lib/base/limits.ts", ROOT))),
  };
}

async function readTexts(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const texts = paths.map(async (path) =>
    [path, await Deno.readTextFile(new URL(path, ROOT))] as const
  );
  return new Map(await Promise.all(texts));
}

async function collectPaths(folder: string, paths: Set<string>): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(`./${folder}`, ROOT))) {
    if (name === ".git" || name === "node_modules" || name === "dist") continue;
    paths.add(folder + name);
    if (isDirectory) await collectPaths(`${folder}${name}/`, paths);
  }
}

async function writeBlocks({ files, blocks }: Project): Promise<void> {
  for (const [path, text] of files) {
    const filled = fillBlocks(text, blocks).text;
    if (filled !== text) await Deno.writeTextFile(new URL(path, ROOT), filled);
  }
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
