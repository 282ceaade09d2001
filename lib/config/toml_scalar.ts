/**
 * Booleans, numbers, dates and times. Their grammar is checked here, since `@std/toml` also takes
 * what is none (`25:00:00`, integers that a number cannot hold); the value is what it reads.
 */

import { parse } from "@std/toml";
import type { TomlCursor } from "./toml_cursor.ts";

const RUN_REGEXP = /[0-9A-Za-z_+\-.:]+(?: [0-9]{2}:[0-9A-Za-z:.+\-]*)?/y;

const INTEGER_REGEXP =
  /^(?:[+-]?(?:0|[1-9](?:_?\d)*)|0x[\dA-Fa-f](?:_?[\dA-Fa-f])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*)$/;
const FLOAT_REGEXP =
  /^[+-]?(?:inf|nan|(?:0|[1-9](?:_?\d)*)(?:\.\d(?:_?\d)*)?(?:[eE][+-]?\d(?:_?\d)*)?)$/;
const DATE = String.raw`\d{4}-\d{2}-\d{2}`;
const TIME = String.raw`(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?`;
const ZONE = String.raw`(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)`;
const INSTANT_REGEXP = new RegExp(`^${DATE}T${TIME}${ZONE}$`);
const LOCAL_DATE_REGEXP = new RegExp(`^${DATE}(?:T${TIME})?$`);
const LOCAL_TIME_REGEXP = new RegExp(`^${TIME}$`);

/**
 * The value that begins here: an offset date-time becomes a Date; a local date or time, which names
 * no instant, stays a string as written (upper case, `T` between date and time).
 *
 * @throws {ConfigError} where there is no value, or none that TOML knows.
 */
export function readTomlScalar(cursor: TomlCursor): string | number | boolean | Date {
  const start = cursor.offset;
  const run = cursor.match(RUN_REGEXP);
  if (run === undefined) throw cursor.error("expected a value", start);
  if (run === "true" || run === "false") return run === "true";
  if (INTEGER_REGEXP.test(run)) {
    const value = readByStd(run);
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw cursor.error("integer is out of range", start);
  }
  if (FLOAT_REGEXP.test(run)) {
    const value = readByStd(run);
    if (typeof value === "number") return value;
  }
  const time = run.toUpperCase().replace(" ", "T");
  if (INSTANT_REGEXP.test(time)) {
    const value = readByStd(time);
    if (value instanceof Date) return value;
  }
  // `@std/toml` knows how many days a month has.
  const isLocalDate = LOCAL_DATE_REGEXP.test(time) && readByStd(time) !== undefined;
  if (isLocalDate || LOCAL_TIME_REGEXP.test(time)) return time;
  throw cursor.error("value is not valid TOML (text needs quotes)", start);
}

/** What `@std/toml` reads from the source of one value; undefined where it refuses. */
function readByStd(source: string): unknown {
  try {
    return parse(`value = ${source}`).value;
  } catch {
    // Its message quotes the source, so nothing of it may be shown.
    return undefined;
  }
}
