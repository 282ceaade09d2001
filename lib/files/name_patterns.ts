/** Patterns for single names, such as `*.key`. Pure. */

/**
 * A test of whether a name fits one of the patterns as a whole: `*` stands for any characters, `?`
 * for one, everything else for itself. Upper and lower case are one, and so are the two Unicode
 * forms of an accented letter: the disk may take them for one (Windows, macOS, a mounted stick),
 * and it cannot be asked.
 *
 * A test takes at most the product of both lengths. A regular expression with a few stars could be
 * made to take ages by a name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const isSecret = createNameTest(["*.key", "backup-????"]);
 * assertEquals(isSecret("Server.KEY"), true);
 * assertEquals(isSecret("server.key.pub"), false);
 * ```
 */
export function createNameTest(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return () => false;
  const folded = patterns.map(fold);
  return (name) => {
    const characters = fold(name);
    return folded.some((pattern) => matches(pattern, characters));
  };
}

function matches(pattern: readonly string[], name: readonly string[]): boolean {
  let at = 0;
  let next = 0;
  // Where to go on after a mismatch: the last star then takes one character more.
  let afterStar = -1;
  let starEnd = 0;
  while (next < name.length) {
    if (pattern[at] === "*") {
      afterStar = ++at;
      starEnd = next;
    } else if (pattern[at] === "?" || pattern[at] === name[next]) {
      at++;
      next++;
    } else if (afterStar >= 0) {
      at = afterStar;
      next = ++starEnd;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

// HFS+ drops these from names (CVE-2014-9390).
const IGNORED_REGEXP = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** A name as the strangest disk reads it: without the characters that it does not see. */
export function dropIgnored(name: string): string {
  return name.replace(IGNORED_REGEXP, "");
}

function fold(text: string): string[] {
  return Array.from(dropIgnored(text).normalize("NFC"), (character) => {
    // By way of upper case, since some letters have two lower ones: `ſ` is an `s`.
    const upper = character.toUpperCase();
    return (upper.length === character.length ? upper : character).toLowerCase();
  });
}
