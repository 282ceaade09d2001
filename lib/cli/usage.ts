/** Help text and option tables, made from a program's declarations. */

import { type Option, type OptionSet, toFlag, toKey } from "../config/option.ts";
import type { Program, Section } from "../config/program.ts";

const WIDTH = 80;
const INDENT = "  ";
/** Where descriptions begin; longer terms stand on a line of their own. */
const DESCRIPTION_COLUMN = 26;

/** What `--help` prints, in lines of at most 80 columns. Ends in a line feed. */
export function formatHelp(program: Program): string {
  const parts = [wrap(`${program.name}: ${program.summary}`, ""), formatUsage(program)];
  if (program.commands.length > 0) {
    parts.push(
      formatList("Commands:", program.commands.map((each) => [each.name, each.description])),
    );
  }
  parts.push(...formatOptions(program));
  if (program.configFiles.length > 0) parts.push(...formatFileHelp(program));
  parts.push(`Examples:\n${program.examples.map((line) => `${INDENT}${line}\n`).join("")}`);
  parts.push(formatList("Exit status:", [
    ["0", "Stopped on request"],
    ["1", "Failed while running"],
    ["2", "Wrong usage or configuration"],
  ]));
  return parts.join("\n");
}

/** A Markdown table of all options and keys, a row each. Ends in a line feed. */
export function formatOptionsTable(program: Program): string {
  const rows = Object.entries(program.options).map((entry) => toRow(entry, ""));
  for (const section of program.sections) rows.push(...toSectionRows(section));
  const hasFile = program.configFiles.length > 0;
  const header = ["Key", "Option", "Value", "Default", "Meaning"];
  const lines = [header, header.map(() => "---"), ...rows]
    .map((cells) => `| ${(hasFile ? cells : cells.slice(1)).join(" | ")} |`);
  return `${lines.join("\n")}\n`;
}

function formatUsage({ name, usage }: Program): string {
  const lines = usage.map((form, i) => `${i === 0 ? "Usage: " : "       "}${name} ${form}\n`);
  return lines.join("");
}

function formatOptions({ options, configFiles }: Program): string[] {
  const titles = configFiles.length === 0 ? [["Options:", "flag"]] as const : [
    [
      "Options that are keys of the configuration file too (--log-level is log_level):",
      "key and flag",
    ],
    ["Other options:", "flag"],
  ] as const;
  return titles.map(([title, source]) => {
    const rows = Object.entries(options).filter(([, option]) => option.source === source)
      .map(([name, option]) => [toFlagTerm(name, option), describe(option)] as const);
    return formatList(title, rows);
  });
}

function formatFileHelp(program: Program): string[] {
  const places = program.configFiles.join(", then ");
  const parts = [
    wrap(`Configuration file: that of --config, else ${places}. Options win over it.`, ""),
  ];
  const keys = Object.entries(program.options).filter(([, option]) => option.source === "key");
  if (keys.length > 0) parts.push(formatList("Keys that are no options:", toKeyList(keys)));
  for (const { header, description, options } of program.sections) {
    parts.push(formatList(`${header}  ${description}`, toKeyList(Object.entries(options))));
  }
  return parts;
}

function toKeyList(entries: readonly (readonly [string, Option<unknown>])[]): [string, string][] {
  return entries.map(([name, option]) => [toKey(name), describe(option)]);
}

function toFlagTerm(name: string, { placeholder, aliases }: Option<unknown>): string {
  const short = aliases.filter((alias) => alias.length === 1).map((alias) => `-${alias}, `);
  return `${short.join("")}--${toFlag(name)}${placeholder === undefined ? "" : ` ${placeholder}`}`;
}

function describe(option: Option<unknown>): string {
  const notes: string[] = [];
  const { defaultText, placeholder } = option;
  if (defaultText !== undefined && placeholder !== undefined) notes.push(`default: ${defaultText}`);
  if (option.repeatable) notes.push("repeatable");
  return notes.length === 0 ? option.description : `${option.description} [${notes.join("; ")}]`;
}

function formatList(title: string, rows: readonly (readonly [string, string])[]): string {
  const column = " ".repeat(DESCRIPTION_COLUMN);
  let text = wrap(title, "");
  for (const [term, description] of rows) {
    const head = `${INDENT}${term}`;
    const body = wrap(description, column);
    text += head.length + 2 <= DESCRIPTION_COLUMN
      ? head.padEnd(DESCRIPTION_COLUMN) + body.slice(DESCRIPTION_COLUMN)
      : `${head}\n${body}`;
  }
  return text;
}

/** The words of `text` in lines of at most 80 columns, each behind `indent`. */
function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    const isFirst = line === indent;
    if (!isFirst && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else line += isFirst ? word : ` ${word}`;
  }
  return `${[...lines, line].join("\n")}\n`;
}

function toSectionRows({ header, description, options }: Section): string[][] {
  const rows = Object.entries(options as OptionSet).map((entry) => toRow(entry, `${header} `));
  return rows.length > 0 ? rows : [[code(header), "", "table", "", escapeCell(description)]];
}

function toRow([name, option]: readonly [string, Option<unknown>], prefix: string): string[] {
  const { source, defaultText, aliases } = option;
  const spellings = [toFlag(name), ...aliases.filter((alias) => alias.length > 1)];
  return [
    source === "flag" ? "" : code(`${prefix}${toKey(name)}`),
    source === "key" ? "" : spellings.map((flag) => code(`--${flag}`)).join(", "),
    escapeCell(option.type),
    defaultText === undefined ? "" : code(defaultText),
    escapeCell(option.description),
  ];
}

function code(text: string): string {
  return `\`${escapeCell(text)}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
