/** The users of a file server: a file of lines `NAME:HASH`, and whether a password is right. */

import {
  createDummyHash,
  matchesPassword,
  parsePasswordHash,
  type PasswordHash,
} from "./password.ts";

export type ParsedUsers =
  | { readonly ok: true; readonly users: Users }
  /** What is wrong, without a word of the file, and in which line, counted from 1. */
  | { readonly ok: false; readonly reason: string; readonly line?: number };

// What a Basic user name can be (RFC 7617 §2), less what would be hard to see in a log.
const NAME_REGEXP = /^[^\s:\p{Cc}\p{Cf}\p{Cs}]{1,64}$/u;

export class Users {
  readonly #hashes: ReadonlyMap<string, PasswordHash>;
  readonly #dummy: PasswordHash;

  private constructor(hashes: ReadonlyMap<string, PasswordHash>, dummy: PasswordHash) {
    this.#hashes = hashes;
    this.#dummy = dummy;
  }

  /** Reads a file's text. Empty lines, and those that begin with `#`, say nothing. */
  static parse(text: string): ParsedUsers {
    const hashes = new Map<string, PasswordHash>();
    for (const [index, content] of text.split(/\r?\n/).entries()) {
      if (content.trim() === "" || content.startsWith("#")) continue;
      const line = index + 1;
      const colon = content.indexOf(":");
      const name = content.slice(0, Math.max(colon, 0)).normalize("NFC");
      const hash = parsePasswordHash(content.slice(colon + 1).trim());
      if (!NAME_REGEXP.test(name)) return { ok: false, line, reason: "it must be NAME:HASH" };
      if (hash === undefined) return { ok: false, line, reason: "the hash is of another form" };
      if (hashes.has(name)) return { ok: false, line, reason: "this user is there already" };
      hashes.set(name, hash);
    }
    const [first] = hashes.values();
    if (first === undefined) return { ok: false, reason: "there is no user in it" };
    return { ok: true, users: new Users(hashes, createDummyHash(first)) };
  }

  /** Takes as long for a name that nobody has as for one that somebody has. */
  async check(name: string, password: string): Promise<boolean> {
    const hash = this.#hashes.get(name.normalize("NFC"));
    const isRight = await matchesPassword(password, hash ?? this.#dummy);
    return isRight && hash !== undefined;
  }
}
