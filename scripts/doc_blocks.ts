/**
 * The parts of the documentation that are made from code. In a Markdown file each stands between
 * `<!-- help:relay -->` and `<!-- /help -->`, or the like.
 */

import * as limits from "../lib/base/limits.ts";
import { formatHelp, formatOptionsTable } from "../lib/cli/usage.ts";
import { STRANGER_BOUNDS } from "./stranger_bounds.ts";
import { FILE_SERVER_PROGRAM } from "../lib/config/file_server_options.ts";
import { RELAY_PROGRAM } from "../lib/config/relay_options.ts";
import { SERVER_PROGRAM } from "../lib/config/server_options.ts";

/** Name of a block, as in its opening marker, to its Markdown. */
export type Blocks = ReadonlyMap<string, string>;

/** A block as it stands in a file. */
interface FoundBlock {
  readonly name: string;
  readonly isCurrent: boolean;
}

const PROGRAMS = {
  relay: RELAY_PROGRAM,
  server: SERVER_PROGRAM,
  file_server: FILE_SERVER_PROGRAM,
};

const BLOCK_REGEXP = /<!-- ((help|options|limits|bounds)(?::[a-z_]+)?) -->\n[^]*?<!-- \/\2 -->/g;

/** Every block, from the code as it is; `limitsSource` is the text of lib/base/limits.ts. */
export function createBlocks(limitsSource: string): Blocks {
  const blocks = new Map([["limits", formatLimits(limitsSource)], ["bounds", formatBounds()]]);
  for (const [name, program] of Object.entries(PROGRAMS)) {
    blocks.set(`help:${name}`, `\`\`\`text\n${formatHelp(program)}\`\`\`\n`);
    blocks.set(`options:${name}`, formatOptionsTable(program));
  }
  return blocks;
}

/** The text with every block made anew, and what was found; unknown names are left alone. */
export function fillBlocks(
  text: string,
  blocks: Blocks,
): { readonly text: string; readonly found: readonly FoundBlock[] } {
  const found: FoundBlock[] = [];
  const filled = text.replace(BLOCK_REGEXP, (old: string, name: string, kind: string) => {
    const content = blocks.get(name);
    // `deno fmt` would pad the cells of a table.
    const block = content === undefined
      ? old
      : `<!-- ${name} -->\n\n<!-- deno-fmt-ignore -->\n${content}\n<!-- /${kind} -->`;
    found.push({ name, isCurrent: block === old });
    return block;
  });
  return { text: filled, found };
}

/** A row per bound on strangers, with its value as it is. */
function formatBounds(): string {
  const rows = STRANGER_BOUNDS.map(({ what, limit, unit, option, past, tests }) => {
    const value = `${limits[limit].toLocaleString("en-US")}${unit === "" ? "" : ` ${unit}`}`;
    const key = option === undefined ? "" : `\`${option}\``;
    return `| ${what} | ${value} | ${key} | ${past} | ${tests} |\n`;
  });
  return "| What | Default | Option | Past it | Shown by |\n| --- | --- | --- | --- | --- |\n" +
    rows.join("");
}

/** A row per limit: its name, its value and the comment above it. */
function formatLimits(source: string): string {
  const comments = new Map(
    [...source.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\nexport const (\w+)/g)]
      .map((
        [, comment = "", name = ""],
      ) => [name, comment.replace(/\s*\n \*\s?|\s+/g, " ").trim()]),
  );
  const rows = Object.entries(limits).map(([name, value]) => {
    const comment = (comments.get(name) ?? "").replaceAll("|", "\\|");
    return `| \`${name}\` | ${value.toLocaleString("en-US")} | ${comment} |\n`;
  });
  return `| Name | Value | Meaning |\n| --- | --- | --- |\n${rows.sort().join("")}`;
}
