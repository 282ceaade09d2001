/** Entity tags (RFC 9110 §8.8.3). A tag is kept as it is written: `"x"`, or `W/"x"` when weak. */

// Sticky and without nesting: the time is linear in the field's length.
const TAG_REGEXP = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/y;

/**
 * The tags in the value of If-Match or If-None-Match; `"*"` for the wildcard. Elements that are no
 * entity tags are skipped: they match nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseEtagList('"a", junk, W/"b,c"'), ['"a"', 'W/"b,c"']);
 * ```
 */
export function parseEtagList(value: string): "*" | string[] {
  if (value.trim() === "*") return "*";
  const tags: string[] = [];
  let at = 0;
  while (at < value.length) {
    if (/[ \t,]/.test(value.charAt(at))) {
      at++;
      continue;
    }
    TAG_REGEXP.lastIndex = at;
    const tag = TAG_REGEXP.exec(value)?.[0];
    if (tag !== undefined) tags.push(tag);
    const comma = value.indexOf(",", at + (tag?.length ?? 0));
    at = comma < 0 ? value.length : comma;
  }
  return tags;
}

/** Strong comparison (§8.8.3.2): equal, and neither is weak. */
export function isStrongMatch(a: string, b: string): boolean {
  return a === b && !isWeak(a);
}

/** Weak comparison (§8.8.3.2): equal but for the weakness mark. */
export function isWeakMatch(a: string, b: string): boolean {
  return opaqueTag(a) === opaqueTag(b);
}

function isWeak(tag: string): boolean {
  return tag.startsWith("W/");
}

function opaqueTag(tag: string): string {
  return isWeak(tag) ? tag.slice(2) : tag;
}
