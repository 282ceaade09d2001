import { headerValues } from "./headers.ts";
import type { RawHeaders } from "./message.ts";

/** What a message says of its connection, in lower case (RFC 9110 §7.6.1). */
export function connectionOptions(headers: RawHeaders): readonly string[] {
  const values = headerValues(headers, "connection");
  return values.length === 0 ? [] : parseConnectionOptions(values.join(","));
}

/** The same of the values of its Connection fields, joined by commas. */
export function parseConnectionOptions(value: string): readonly string[] {
  return value.toLowerCase().split(",").map((option) => option.trim());
}
