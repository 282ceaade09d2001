/** What our reader of TOML and another one make of a document, in one shape. */

import { assert } from "@std/assert";
import { TomlDate } from "smol-toml";
import type { TomlValue } from "../../lib/config/toml_tables.ts";

/** Values in one shape for both readers; instants by their time, local times as written. */
export type Plain = string | number | boolean | Plain[] | { [key: string]: Plain };

export function plainOurs(value: TomlValue): Plain {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, entry]) => [key, plainOurs(entry.value)]));
  }
  if (Array.isArray(value)) return value.map((entry) => plainOurs(entry.value));
  if (typeof value === "number") return value + 0;
  assert(typeof value === "string" || typeof value === "boolean");
  return toPadded(value);
}

export function plainSmol(value: unknown): Plain {
  if (value instanceof TomlDate) {
    return value.isLocal() || value.isDate() || value.isTime()
      ? toPadded(value.toISOString())
      : new Date(value.getTime()).toISOString();
  }
  if (Array.isArray(value)) return value.map(plainSmol);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainSmol(each)]));
  }
  assert(typeof value === "string" || typeof value === "number" || typeof value === "boolean");
  return typeof value === "number" ? value + 0 : toPadded(value);
}

// smol-toml writes local times with three digits after the second.
function toPadded<T>(value: T): T | string {
  const local = /^((?:\d{4}-\d\d-\d\dT)?)(\d\d:\d\d)(:\d\d)?(?:\.(\d{1,3})\d*)?$/;
  const [all, date = "", minutes = "", seconds = ":00", fraction = ""] = typeof value === "string"
    ? local.exec(value) ?? []
    : [];
  return all === undefined ? value : `${date}${minutes}${seconds}.${fraction.padEnd(3, "0")}`;
}
