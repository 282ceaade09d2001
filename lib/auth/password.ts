/**
 * Passwords of visitors, kept as `scrypt$N$r$p$SALT$HASH`: scrypt (RFC 7914) with its three costs,
 * salt and hash in base64. Keys of servers are another matter: see tripcode.ts.
 */

import { timingSafeEqual } from "@std/crypto";
import { randomBytes, scrypt } from "node:crypto";
import { MAX_SCRYPT_BYTES } from "../base/limits.ts";

/** What a file keeps of a password. */
export interface PasswordHash {
  readonly costs: ScryptCosts;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

interface ScryptCosts {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** One of the equals that OWASP's password storage cheat sheet recommends: 32 MiB, three times. */
const COSTS: ScryptCosts = { N: 32_768, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORM_REGEXP = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w+/=-]+)\$([\w+/=-]+)$/;

/** Hashes a password with a new salt; the text is what a file keeps. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, { costs: COSTS, salt, length: HASH_BYTES });
  const { N, r, p } = COSTS;
  return ["scrypt", N, r, p, salt.toBase64(), hash.toBase64()].join("$");
}

/** The hash in a text; undefined where it is none, or one that would cost too much to check. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, N, r, p, salt, hash] = FORM_REGEXP.exec(text) ?? [];
  const costs = { N: Number(N), r: Number(r), p: Number(p) };
  const saltBytes = decodeBase64(salt);
  const hashBytes = decodeBase64(hash);
  if (saltBytes === undefined || hashBytes === undefined || !areCosts(costs)) return undefined;
  if (saltBytes.length < SALT_BYTES || hashBytes.length !== HASH_BYTES) return undefined;
  return { costs, salt: saltBytes, hash: hashBytes };
}

/** Whether a password is that of a hash; its time tells nothing but the costs. */
export async function matchesPassword(
  password: string,
  { costs, salt, hash }: PasswordHash,
): Promise<boolean> {
  return timingSafeEqual(await derive(password, { costs, salt, length: hash.length }), hash);
}

/** One that no password has, and that costs as much to check as `like`. */
export function createDummyHash(like: PasswordHash): PasswordHash {
  return { ...like, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
}

function derive(
  password: string,
  { costs, salt, length }: { costs: ScryptCosts; salt: Uint8Array; length: number },
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // RFC 7617 §2.1: systems differ in how they type an é.
    const options = { ...costs, maxmem: 2 * MAX_SCRYPT_BYTES };
    scrypt(password.normalize("NFC"), salt, length, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function areCosts({ N, r, p }: ScryptCosts): boolean {
  return N >= 2 && Number.isInteger(Math.log2(N)) && r >= 1 && p >= 1 && p <= 16 &&
    128 * N * r <= MAX_SCRYPT_BYTES;
}

function decodeBase64(text: string | undefined): Uint8Array | undefined {
  try {
    return text === undefined ? undefined : Uint8Array.fromBase64(text);
  } catch {
    return undefined; // Not base64.
  }
}
