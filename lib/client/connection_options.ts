import { headerValues } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";

/** What a message says of its connection, in lower case (RFC 9110 §7.6.1). */
export function connectionOptions(headers: RawHeaders): readonly string[] {
  const values = headerValues(headers, "connection");
  if (values.length === 0) return [];
  return values.join(",").toLowerCase().split(",").map((option) => option.trim());
}
