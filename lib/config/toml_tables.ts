/**
 * The tables of a TOML document while it is being read: which keys exist, where each was given, and
 * which of them may still grow (TOML 1.1 §Keys, §Table, §Array of Tables).
 */

import type { TomlCursor, TomlPlace } from "./toml_cursor.ts";

export type TomlScalar = string | number | boolean | Date;
export type TomlValue = TomlScalar | readonly TomlEntry[] | TomlTable;
export type TomlTable = ReadonlyMap<string, TomlEntry>;

/** A value, and where its key (in an array: the value itself) is given. */
export interface TomlEntry<V extends TomlValue = TomlValue> extends TomlPlace {
  readonly value: V;
}

/** One part of a dotted key. */
export interface KeyPart {
  readonly name: string;
  readonly offset: number;
}

/**
 * How a table came to be, which decides how it may grow: `header` by its own `[a.b]`, `implied` by
 * a longer header, `dotted` by a dotted key, `inline` by braces.
 */
type Origin = "header" | "implied" | "dotted" | "inline";

export class OpenTable extends Map<string, TomlEntry> {
  /** Those of its values that `[[a.b]]` made, and may add to; arrays given as values are closed. */
  readonly arrays: Map<string, TomlEntry<OpenTable>[]> = new Map();

  constructor(public origin: Origin) {
    super();
  }
}

/** The table that `[path]` or `[[path]]` opens. */
export function openTable(
  cursor: TomlCursor,
  options: { readonly root: OpenTable; readonly path: readonly KeyPart[]; readonly array: boolean },
): OpenTable {
  const { parents, last } = split(options.path);
  let table = options.root;
  for (const part of parents) {
    const next = (table.arrays.get(part.name)?.at(-1) ?? table.get(part.name))?.value;
    if (next === undefined) table = addTable(cursor, { table, part, origin: "implied" });
    else if (next instanceof OpenTable && next.origin !== "inline") table = next;
    else throw taken(cursor, table, part);
  }
  if (options.array) return addElement(cursor, table, last);
  const value = table.get(last.name)?.value;
  if (value === undefined) return addTable(cursor, { table, part: last, origin: "header" });
  if (!(value instanceof OpenTable) || value.origin !== "implied") {
    throw taken(cursor, table, last);
  }
  value.origin = "header";
  table.set(last.name, { value, ...cursor.placeOf(last.offset) });
  return value;
}

/** Makes room for `path = value` in `table`; the caller sets the value by what is returned. */
export function openKey(
  cursor: TomlCursor,
  options: { readonly table: OpenTable; readonly path: readonly KeyPart[] },
): (value: TomlValue) => void {
  const { parents, last } = split(options.path);
  let table = options.table;
  for (const part of parents) {
    const next = table.get(part.name)?.value;
    if (next === undefined) table = addTable(cursor, { table, part, origin: "dotted" });
    else if (next instanceof OpenTable && next.origin === "dotted") table = next;
    else throw taken(cursor, table, part);
  }
  if (table.has(last.name)) throw taken(cursor, table, last);
  return (value) => table.set(last.name, { value, ...cursor.placeOf(last.offset) });
}

function split(path: readonly KeyPart[]): { parents: readonly KeyPart[]; last: KeyPart } {
  const last = path.at(-1);
  if (last === undefined) throw new RangeError("Cannot split a key: it has no part");
  return { parents: path.slice(0, -1), last };
}

function addTable(
  cursor: TomlCursor,
  options: { readonly table: OpenTable; readonly part: KeyPart; readonly origin: Origin },
): OpenTable {
  const added = new OpenTable(options.origin);
  options.table.set(options.part.name, { value: added, ...cursor.placeOf(options.part.offset) });
  return added;
}

function addElement(cursor: TomlCursor, table: OpenTable, part: KeyPart): OpenTable {
  const place = cursor.placeOf(part.offset);
  let array = table.arrays.get(part.name);
  if (array === undefined) {
    if (table.has(part.name)) throw taken(cursor, table, part);
    array = [];
    table.arrays.set(part.name, array);
    table.set(part.name, { value: array, ...place });
  }
  const element = new OpenTable("header");
  array.push({ value: element, ...place });
  return element;
}

function taken(cursor: TomlCursor, table: OpenTable, part: KeyPart): Error {
  const first = table.get(part.name);
  const what = first?.value instanceof OpenTable ? "table" : "key";
  return cursor.error(`${what} given twice: first in line ${first?.line}`, part.offset);
}
