/** Reads the keys of a configuration file's tables as options. */

import { ConfigError, type ConfigPlace } from "../base/errors.ts";
import { escapeControls } from "../base/log.ts";
import { decodeGiven, type Given, type Givens } from "./given.ts";
import { findNearest } from "./nearest.ts";
import { type OptionSet, type RawValue, toKey } from "./option.ts";
import type { TomlEntry, TomlTable, TomlValue } from "./toml_tables.ts";

/** A table of the file, and where its header is. */
export interface PlacedTable {
  readonly table: TomlTable;
  readonly place: ConfigPlace;
}

/**
 * The keys of `table` that are options. `sections` names keys that hold tables, read elsewhere.
 *
 * @throws {ConfigError} for a key that is neither, and for a value of the wrong type.
 */
export function readKeys(
  { table, place }: PlacedTable,
  { options, sections = [] }: {
    readonly options: OptionSet;
    readonly sections?: readonly string[];
  },
): Givens {
  const names = new Map<string, string>();
  for (const [name, option] of Object.entries(options)) {
    if (option.source !== "flag") names.set(toKey(name), name);
  }
  const givens = new Map<string, Given>();
  for (const [key, entry] of table) {
    if (sections.includes(key)) continue;
    const name = names.get(key);
    const option = name === undefined ? undefined : options[name];
    if (name === undefined || option === undefined) {
      throw unknownKey(key, [...names.keys(), ...sections], placeOf(entry, place));
    }
    givens.set(
      name,
      decodeGiven(option, toRaw(entry.value), {
        label: `key "${key}"`,
        place: placeOf(entry, place),
        placeOfElement: (index) => {
          const element = isList(entry.value) ? entry.value[index] : undefined;
          return placeOf(element ?? entry, place);
        },
      }),
    );
  }
  return givens;
}

/** The tables written `[[key]]`; none where there is no such key. */
export function readTables({ table, place }: PlacedTable, key: string): readonly PlacedTable[] {
  const entry = table.get(key);
  if (entry === undefined) return [];
  if (!isList(entry.value)) throw notTable(`[[${key}]]`, placeOf(entry, place));
  return entry.value.map((element) => {
    if (!isTable(element.value)) throw notTable(`[[${key}]]`, placeOf(element, place));
    return { table: element.value, place: placeOf(element, place) };
  });
}

/** The table written `[key]`; undefined where there is no such key. */
export function readTable({ table, place }: PlacedTable, key: string): PlacedTable | undefined {
  const entry = table.get(key);
  if (entry === undefined) return undefined;
  if (!isTable(entry.value)) throw notTable(`[${key}]`, placeOf(entry, place));
  return { table: entry.value, place: placeOf(entry, place) };
}

/** A value without the places within. */
export function toRaw(value: TomlValue): RawValue {
  return isList(value) ? value.map((element) => toRaw(element.value)) : value;
}

/** The place of `entry` in the file that `place` names. */
export function placeOf(entry: TomlEntry, place: ConfigPlace): ConfigPlace {
  const { line, column } = entry;
  return place.file === undefined ? { line, column } : { file: place.file, line, column };
}

function unknownKey(key: string, known: readonly string[], place: ConfigPlace): ConfigError {
  const nearest = findNearest(key, known);
  // What is like no key may be a secret on the wrong side of its "=".
  if (nearest === undefined) {
    return new ConfigError("Unknown key", { ...place, hint: `Known keys: ${known.join(", ")}` });
  }
  const hint = `Did you mean "${nearest}"?`;
  return new ConfigError(`Unknown key "${escapeControls(key)}"`, { ...place, hint });
}

function notTable(form: string, place: ConfigPlace): ConfigError {
  const key = form.replaceAll(/[[\]]/g, "");
  return new ConfigError(`Cannot use key "${key}": must be written ${form}`, place);
}

function isList(value: TomlValue): value is readonly TomlEntry[] {
  return Array.isArray(value);
}

function isTable(value: TomlValue): value is TomlTable {
  return value instanceof Map;
}
