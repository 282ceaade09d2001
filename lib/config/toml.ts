/**
 * Reads TOML with the place of every key, so that an error can name its line. The structure (keys,
 * tables, arrays, strings) is read here, since `@std/toml` accepts keys given twice, gives no
 * places, misreads some strings, and quotes the source in its messages, where it may be a secret;
 * the values between are read by `@std/toml` (toml_scalar.ts).
 */

import { MAX_TOML_DEPTH } from "../base/limits.ts";
import { TomlCursor } from "./toml_cursor.ts";
import { readTomlScalar } from "./toml_scalar.ts";
import { readTomlQuotedKey, readTomlString } from "./toml_string.ts";
import {
  type KeyPart,
  openKey,
  OpenTable,
  openTable,
  type TomlEntry,
  type TomlTable,
  type TomlValue,
} from "./toml_tables.ts";

const BARE_KEY_REGEXP = /[A-Za-z0-9_-]+/y;
const SPACE_REGEXP = /[ \t]*/y;
const LINE_END_REGEXP = /\r?\n/y;
// deno-lint-ignore no-control-regex
const COMMENT_REGEXP = /#[^\u0000-\u0008\u000a-\u001f\u007f]*/y;

/**
 * The tables of a TOML 1.1 document. `file` is the name that errors carry.
 *
 * @throws {ConfigError} with line and column, in words that never quote the document.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const table = parseToml("# ports\nport = 4000", "relay.toml");
 * assertEquals(table.get("port"), { value: 4000, line: 2, column: 1 });
 * ```
 */
export function parseToml(text: string, file: string): TomlTable {
  const cursor = new TomlCursor(text, file);
  cursor.take("\ufeff");
  const root = new OpenTable("header");
  let table = root;
  while (!skipBlankLines(cursor)) {
    if (cursor.sees("[")) table = readHeader(cursor, root);
    else readKeyValue(cursor, { table, depth: 0 });
    readLineEnd(cursor);
  }
  return root;
}

function readHeader(cursor: TomlCursor, root: OpenTable): OpenTable {
  const start = cursor.offset;
  const array = cursor.take("[[");
  if (!array) cursor.take("[");
  const path = readKey(cursor);
  if (!cursor.take(array ? "]]" : "]")) {
    throw cursor.error(`table name is not closed by \`${array ? "]]" : "]"}\``, start);
  }
  return openTable(cursor, { root, path, array });
}

function readKeyValue(
  cursor: TomlCursor,
  { table, depth }: { readonly table: OpenTable; readonly depth: number },
): void {
  const path = readKey(cursor);
  const setValue = openKey(cursor, { table, path });
  if (!cursor.take("=")) throw cursor.error("expected `=` after the key");
  cursor.match(SPACE_REGEXP);
  setValue(readValue(cursor, depth));
}

function readKey(cursor: TomlCursor): KeyPart[] {
  const path: KeyPart[] = [];
  do {
    cursor.match(SPACE_REGEXP);
    const offset = cursor.offset;
    const name = cursor.match(BARE_KEY_REGEXP) ?? readTomlQuotedKey(cursor);
    if (name === undefined) throw cursor.error("expected a key");
    path.push({ name, offset });
    cursor.match(SPACE_REGEXP);
  } while (cursor.take("."));
  return path;
}

function readValue(cursor: TomlCursor, depth: number): TomlValue {
  if (depth > MAX_TOML_DEPTH) throw cursor.error("value is nested too deeply");
  if (cursor.sees("[")) return readArray(cursor, depth + 1);
  if (cursor.sees("{")) return readInlineTable(cursor, depth + 1);
  return readTomlString(cursor) ?? readTomlScalar(cursor);
}

function readArray(cursor: TomlCursor, depth: number): readonly TomlEntry[] {
  const elements: TomlEntry[] = [];
  readList(cursor, "array", () => {
    const place = cursor.placeOf(cursor.offset);
    elements.push({ value: readValue(cursor, depth), ...place });
  });
  return elements;
}

function readInlineTable(cursor: TomlCursor, depth: number): TomlTable {
  const table = new OpenTable("inline");
  readList(cursor, "inline table", () => readKeyValue(cursor, { table, depth }));
  return table;
}

/** Elements between commas, over any number of lines, with a comma after the last one or not. */
function readList(
  cursor: TomlCursor,
  what: "array" | "inline table",
  readElement: () => void,
): void {
  const start = cursor.offset;
  const close = what === "array" ? "]" : "}";
  cursor.take(what === "array" ? "[" : "{");
  while (true) {
    if (skipBlankLines(cursor)) throw cursor.error(`${what} is not closed`, start);
    if (cursor.take(close)) return;
    readElement();
    if (skipBlankLines(cursor)) throw cursor.error(`${what} is not closed`, start);
    if (!cursor.sees(close) && !cursor.take(",")) {
      throw cursor.error(`expected \`,\` or \`${close}\` in the ${what}`);
    }
  }
}

/** Passes white space, comments and line ends; true at the end of the document. */
function skipBlankLines(cursor: TomlCursor): boolean {
  do {
    cursor.match(SPACE_REGEXP);
    cursor.match(COMMENT_REGEXP);
  } while (cursor.match(LINE_END_REGEXP) !== undefined);
  return cursor.isAtEnd;
}

function readLineEnd(cursor: TomlCursor): void {
  cursor.match(SPACE_REGEXP);
  const comment = cursor.match(COMMENT_REGEXP);
  if (cursor.isAtEnd || cursor.match(LINE_END_REGEXP) !== undefined) return;
  throw cursor.error(
    comment === undefined ? "expected the end of the line" : "comment holds a control character",
  );
}
