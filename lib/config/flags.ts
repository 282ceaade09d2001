/**
 * Reads a command line by declared options, over `parseArgs`, which alone is too lenient: it takes
 * any text for a switch's value, lets the last of two equal options win, and "" for a missing value.
 */

import { parseArgs } from "@std/cli";
import { ConfigError } from "../base/errors.ts";
import { escapeControls } from "../base/log.ts";
import { decodeGiven, type Given, type Givens } from "./given.ts";
import { findNearest } from "./nearest.ts";
import { type Option, type OptionSet, toFlag, toKey } from "./option.ts";

export interface CommandLine {
  readonly givens: Givens;
  /** What is no option, and all that follows `--`. */
  readonly positionals: readonly string[];
}

/**
 * Options as `--name value`, `--name=value` or, for a switch, `--name`.
 *
 * @throws {ConfigError} for an unknown option, a missing or wrong value, and an option given twice.
 * Texts that are no option are never quoted, since they may be a misplaced secret.
 */
export function readFlags(args: readonly string[], options: OptionSet): CommandLine {
  const flags = Object.entries(options)
    .filter(([, option]) => option.source !== "key")
    .map(([name, option]) => ({ name, option, flag: toFlag(name) }));
  const names = flags.map(({ flag }) => flag);
  const switches = flags.filter(({ option }) => option.placeholder === undefined);
  refuseOddSwitches(args, switches);
  const parsed = parseArgs(args, {
    // "_" keeps arguments that look like numbers as they are.
    string: ["_", ...names.filter((flag) => !switches.some((each) => each.flag === flag))],
    boolean: switches.map(({ flag }) => flag),
    collect: names,
    alias: Object.fromEntries(
      flags.flatMap(({ flag, option }) => option.aliases.map((alias) => [alias, flag])),
    ),
    // Also called for positionals, without a key.
    unknown: (arg, key) => {
      if (key !== undefined) throw unknownFlag(arg, key, options);
    },
  });
  const givens = new Map<string, Given>();
  for (const { name, option, flag } of flags) {
    const values = parsed[flag];
    if (!Array.isArray(values) || values.length === 0) continue;
    givens.set(name, decodeFlag(option, flag, values.map(String)));
  }
  return { givens, positionals: parsed._.map(String) };
}

function decodeFlag(option: Option<unknown>, flag: string, texts: readonly string[]): Given {
  const [first = ""] = texts;
  if (texts.includes("")) {
    throw new ConfigError(`Option "--${flag}" needs a value`, {
      hint: `Write --${flag} ${option.placeholder}`,
    });
  }
  if (texts.length > 1 && !option.repeatable) {
    throw new ConfigError(`Option "--${flag}" is given more than once`);
  }
  const raw = option.repeatable ? texts.map(option.parseText) : option.parseText(first);
  return decodeGiven(option, raw, { label: `option "--${flag}"`, place: {} });
}

/** `parseArgs` takes `--switch=anything` for true. */
function refuseOddSwitches(
  args: readonly string[],
  switches: readonly { readonly option: Option<unknown>; readonly flag: string }[],
): void {
  const end = args.indexOf("--");
  for (const arg of end === -1 ? args : args.slice(0, end)) {
    const equals = arg.indexOf("=");
    const found = switches.find(({ flag }) =>
      equals !== -1 && arg.slice(0, equals) === `--${flag}`
    );
    if (found === undefined) continue;
    const raw = found.option.parseText(arg.slice(equals + 1));
    decodeGiven(found.option, raw, { label: `option "--${found.flag}"`, place: {} });
  }
}

function unknownFlag(arg: string, key: string, options: OptionSet): ConfigError {
  const dashes = arg.startsWith("--") ? "--" : "-";
  return new ConfigError(`Unknown option "${dashes}${escapeControls(key)}"`, {
    hint: hintFor(key, options),
  });
}

function hintFor(key: string, options: OptionSet): string {
  const candidates: string[] = [];
  for (const [name, option] of Object.entries(options)) {
    const flag = toFlag(name);
    if (option.source !== "key") candidates.push(flag, ...option.aliases);
    else if (flag === key) {
      return `Give "${toKey(name)}" in the configuration file: other users can see a command line`;
    }
  }
  const nearest = findNearest(key.replaceAll("_", "-"), candidates);
  return nearest === undefined ? "See --help for all options" : `Did you mean "--${nearest}"?`;
}
