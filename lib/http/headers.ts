/** Reading and filtering raw header lists (RFC 9110 §5, §7.6.1). */

import type { RawHeaders } from "./message.ts";

/** The first value of a field, or undefined. `name` is lower case. */
export function headerValue(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const key = headers[i];
    if (key !== undefined && key.length === name.length && key.toLowerCase() === name) {
      return headers[i + 1];
    }
  }
  return undefined;
}

/** All values of a field, in order. `name` is lower case. */
export function headerValues(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (const [key, value] of headerPairs(headers)) {
    if (key.toLowerCase() === name) values.push(value);
  }
  return values;
}

/** The fields one by one, names as sent. */
export function* headerPairs(headers: RawHeaders): Generator<readonly [string, string]> {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    yield [headers[i] ?? "", headers[i + 1] ?? ""];
  }
}
