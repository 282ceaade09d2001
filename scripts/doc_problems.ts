/** What in the documentation does not agree with the code, over texts that have been read. */

import { ConfigError } from "../lib/base/errors.ts";
import { decodeRelayConfig } from "../lib/config/relay_config.ts";
import { decodeServerSettings, toServerConfig } from "../lib/config/server_config.ts";
import { type Blocks, fillBlocks } from "./doc_blocks.ts";

export interface Project {
  /** Markdown files by their path from the project's root, with `/`. */
  readonly files: ReadonlyMap<string, string>;
  /** The modules of tests, by their path. */
  readonly tests: ReadonlyMap<string, string>;
  /** Paths of all files and folders, from the project's root. */
  readonly paths: ReadonlySet<string>;
  /** Names of the tasks in deno.json. */
  readonly tasks: readonly string[];
  /** What the import map names, as `npm:NAME@VERSION/PATH`. */
  readonly packages: readonly string[];
  readonly version: string;
  readonly blocks: Blocks;
}

/** One line each: `FILE: what is wrong`. */
export function findProblems(project: Project): readonly string[] {
  const { files } = project;
  const problems: string[] = [];
  for (const [path, text] of files) {
    const found = [
      ...checkLinks(path, project),
      ...checkConfigs(text),
      ...checkVersions(text, project.version),
      ...checkBlocks(text, project.blocks),
      ...checkTestNames(text, project.tests),
    ];
    problems.push(...found.map((problem) => `${path}: ${problem}`));
  }
  return [
    ...problems,
    ...findMissingBlocks(project),
    ...checkTasks(project),
    ...checkPackages(project),
  ];
}

/** A package that nobody has given a reason for. */
function checkPackages({ files, packages }: Project): string[] {
  const reasons = files.get("docs/decisions.md") ?? "";
  const names = new Set(
    packages.map((specifier) => /^npm:(.[^@]*)/.exec(specifier)?.[1] ?? specifier),
  );
  return [...names].filter((name) => !reasons.includes(`\`${name}\``))
    .map((name) => `docs/decisions.md: it does not tell why the package "${name}" is used`);
}

function checkTasks({ files, tasks }: Project): string[] {
  const readme = files.get("README.md");
  if (readme === undefined) return ["README.md: it does not exist"];
  const named = (text: string): Set<string> =>
    new Set([...text.matchAll(/\btask ([a-z][a-z0-9:_-]*)/g)].map(([, name = ""]) => name));
  const problems = tasks.filter((task) => !named(readme).has(task))
    .map((task) => `README.md: it does not name the task "deno task ${task}"`);
  for (const [path, text] of files) {
    const unknown = [...text.matchAll(/\bdeno(?:@[\d.]+)? task ([a-z][a-z0-9:_-]*)/g)]
      .map(([, name = ""]) => name).filter((name) => !tasks.includes(name));
    problems.push(...unknown.map((name) => `${path}: deno.json has no task "${name}"`));
  }
  return problems;
}

/** Tests that are referred to, as in `some_test: "what it is called", "another"`, are there. */
function checkTestNames(text: string, tests: Project["tests"]): string[] {
  const plain = text.replace(/\s+/g, " ");
  const problems: string[] = [];
  for (const [, file = "", names = ""] of plain.matchAll(TESTS_REGEXP)) {
    const source = [...tests].find(([path]) => path.endsWith(`/${file}.ts`))?.[1];
    if (source === undefined) problems.push(`there is no test file "${file}.ts"`);
    else {
      const isThere = createNameFinder(source);
      const missing = [...names.matchAll(/"([^"]*)"/g)].map(([, name = ""]) => name)
        .filter((name) => !isThere(name));
      problems.push(...missing.map((name) => `${file} has no test "${name}"`));
    }
  }
  return problems;
}

const TESTS_REGEXP = /\b([a-z0-9_]+_test)\b(?:: ((?:"[^"]*"(?:, )?)+))?/g;

/** Tells whether a module has a test of this name, "…" standing for any text. */
function createNameFinder(source: string): (name: string) => boolean {
  const literals = [...source.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)]
    .map(([, text = ""]) => text.replaceAll('\\"', '"'));
  const templates = [...source.matchAll(/(?:\(\s*|name: )`([^`]*)`/g)].map(([, text = ""]) => text);
  const patterns = templates.map((text) => toPattern(text, HOLE));
  const examples = [...literals, ...templates.map((text) => text.replace(HOLE, "…"))];
  return (name) => {
    const wanted = toPattern(name, "…");
    return examples.some((text) => wanted.test(text)) ||
      patterns.some((pattern) => pattern.test(name));
  };
}

/** What a template is filled with. */
const HOLE = /\$\{[^}]*\}/g;

function toPattern(text: string, hole: RegExp | string): RegExp {
  const parts = text.split(hole).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".+")}$`);
}

function checkBlocks(text: string, blocks: Blocks): string[] {
  return fillBlocks(text, blocks).found.flatMap(({ name, isCurrent }) => {
    if (!blocks.has(name)) return [`there is no block "${name}"`];
    return isCurrent ? [] : [`the block "${name}" is stale: run deno task docs --write`];
  });
}

function findMissingBlocks({ files, blocks }: Project): string[] {
  const found = [...files.values()].flatMap((text) => fillBlocks(text, blocks).found);
  const names = new Set(found.map(({ name }) => name));
  return [...blocks.keys()].filter((name) => !names.has(name)).map((name) => {
    const path = ["limits", "bounds"].includes(name) ? "docs/limits.md" : "README.md";
    const [kind] = name.split(":");
    return `${path}: the block is missing that begins <!-- ${name} --> and ends <!-- /${kind} -->`;
  });
}

/** Relative links lead to files that are there, and to headings in them. */
function checkLinks(path: string, { files, paths }: Project): string[] {
  const text = dropFences(files.get(path) ?? "");
  const problems: string[] = [];
  for (const [, target = ""] of text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)) {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
    const base = new URL(path, "file:///");
    const url = new URL(target, base);
    const file = decodeURIComponent(url.pathname).slice(1).replace(/\/$/, "");
    const headings = files.get(file);
    if (!paths.has(file)) problems.push(`it links to "${target}", which does not exist`);
    else if (url.hash !== "" && headings !== undefined && !toAnchors(headings).has(url.hash)) {
      problems.push(`it links to "${target}", but no heading there is that`);
    }
  }
  return problems;
}

/** The fragments that a forge makes of headings. */
function toAnchors(text: string): Set<string> {
  const headings = [...dropFences(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)];
  return new Set(headings.map(([, heading = ""]) => {
    const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "");
    return `#${encodeURIComponent(words.replace(/\s/g, "-"))}`;
  }));
}

/** A TOML block begins with a comment that names its file, and the program takes it as that file. */
function checkConfigs(text: string): string[] {
  const blocks = [...text.matchAll(/^```toml\n([^]*?)^```/gm)].map(([, toml = ""]) => toml);
  return blocks.flatMap((toml) => {
    const [comment = ""] = toml.split("\n");
    const program = /^# ptth_(relay|server)\.toml\b/.exec(comment)?.[1];
    if (program === undefined) {
      return [`a TOML block must begin "# ptth_relay.toml" or "# ptth_server.toml": "${comment}"`];
    }
    const error = findConfigError(toml, program);
    return error === undefined ? [] : [`its ptth_${program}.toml, line ${error}`];
  });
}

function findConfigError(toml: string, program: string): string | undefined {
  const path = `ptth_${program}.toml`;
  try {
    if (program === "relay") decodeRelayConfig({ path, text: toml }, new Map());
    else toServerConfig(decodeServerSettings({ path, text: toml, mode: 0o600 }, new Map()), "key");
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return `${error.place.line ?? "?"}: ${error.message}`;
    throw error;
  }
}

/** What a program prints for --version, and the newest entry of the changelog. */
function checkVersions(text: string, version: string): string[] {
  const printed = [...text.matchAll(/\bptth_(?:relay|server|file_server) (\d+\.\d+\.\d+)/g)];
  const [newest] = text.startsWith("# Changelog") ? text.matchAll(/^## (\d+\.\d+\.\d+)/gm) : [];
  return [...printed, ...newest === undefined ? [] : [newest]]
    .map(([, found = ""]) => found).filter((found) => found !== version)
    .map((found) => `it says version ${found}, deno.json says ${version}`);
}

function dropFences(text: string): string {
  return text.replace(/^```[^]*?^```/gm, "").replace(/`[^`\n]*`/g, (span) => span.slice(1, -1));
}
