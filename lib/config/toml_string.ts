/** Strings of TOML (TOML 1.1 §String): the four kinds, and single-line ones as keys. */

import type { TomlCursor } from "./toml_cursor.ts";

// Runs that stand for themselves. Control characters may not appear, except tab.
// deno-lint-ignore no-control-regex
const BASIC_RUN_REGEXP = /[^"\\\u0000-\u0008\u000a-\u001f\u007f]+/y;
// deno-lint-ignore no-control-regex
const LITERAL_RUN_REGEXP = /[^'\u0000-\u0008\u000a-\u001f\u007f]+/y;
const NEWLINE_REGEXP = /\r?\n/y;
const LINE_CONTINUATION_REGEXP = /[ \t]*\r?\n[ \t\r\n]*/y;
const QUOTE_RUN_REGEXP = { '"': /"{1,5}/y, "'": /'{1,5}/y } as const;
const HEX_REGEXP = {
  x: /[0-9A-Fa-f]{2}/y,
  u: /[0-9A-Fa-f]{4}/y,
  U: /[0-9A-Fa-f]{8}/y,
} as const;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["b", "\b"],
  ["t", "\t"],
  ["n", "\n"],
  ["f", "\f"],
  ["r", "\r"],
  ["e", "\u001b"],
  ['"', '"'],
  ["\\", "\\"],
]);

/** The string that begins here, or undefined where none does. */
export function readTomlString(cursor: TomlCursor): string | undefined {
  if (cursor.sees('"""')) return readMultiLine(cursor, '"');
  if (cursor.sees("'''")) return readMultiLine(cursor, "'");
  return readTomlQuotedKey(cursor);
}

/** The single-line string that begins here, or undefined where none does. */
export function readTomlQuotedKey(cursor: TomlCursor): string | undefined {
  if (cursor.sees('"')) return readSingleLine(cursor, '"');
  if (cursor.sees("'")) return readSingleLine(cursor, "'");
  return undefined;
}

type Quote = '"' | "'";

function readSingleLine(cursor: TomlCursor, quote: Quote): string {
  const start = cursor.offset;
  cursor.take(quote);
  let value = "";
  while (!cursor.take(quote)) {
    const part = readPart(cursor, quote);
    if (part !== undefined) value += part;
    else if (cursor.isAtEnd || cursor.match(NEWLINE_REGEXP) !== undefined) {
      throw cursor.error("string is not closed", start);
    } else throw cursor.error("string holds a control character");
  }
  return value;
}

function readMultiLine(cursor: TomlCursor, quote: Quote): string {
  const start = cursor.offset;
  cursor.take(quote.repeat(3));
  cursor.match(NEWLINE_REGEXP);
  let value = "";
  while (true) {
    // Three quotes close; up to two more before them belong to the string.
    const quotes = cursor.match(QUOTE_RUN_REGEXP[quote]);
    if (quotes !== undefined) {
      if (quotes.length >= 3) return value + quotes.slice(3);
      value += quotes;
      continue;
    }
    const part = cursor.match(NEWLINE_REGEXP) ?? readPart(cursor, quote, "multi-line");
    if (part !== undefined) value += part;
    else if (cursor.isAtEnd) throw cursor.error("string is not closed", start);
    else throw cursor.error("string holds a control character");
  }
}

/** A run of plain characters or one escape; undefined where neither stands. */
function readPart(cursor: TomlCursor, quote: Quote, lines?: "multi-line"): string | undefined {
  if (quote === "'") return cursor.match(LITERAL_RUN_REGEXP);
  const run = cursor.match(BASIC_RUN_REGEXP);
  if (run !== undefined || !cursor.take("\\")) return run;
  if (lines === "multi-line" && cursor.match(LINE_CONTINUATION_REGEXP) !== undefined) return "";
  return readEscape(cursor);
}

function readEscape(cursor: TomlCursor): string {
  const start = cursor.offset - 1;
  const letter = cursor.match(/[^]/y) ?? "";
  if (letter === "x" || letter === "u" || letter === "U") {
    const code = Number.parseInt(cursor.match(HEX_REGEXP[letter]) ?? "", 16);
    const isScalarValue = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    if (isScalarValue) return String.fromCodePoint(code);
  }
  const char = ESCAPES.get(letter);
  if (char === undefined) throw cursor.error("escape sequence is not valid", start);
  return char;
}
