/** What identifies the state of a file to those who have a copy (RFC 9110 §8.8). */

import type { ContentCoding } from "../http/accept_encoding.ts";
import type { Validators } from "../http/conditional.ts";
import { digestBytes } from "./file_digests.ts";
import type { FileStat } from "./file_system.ts";
import { isMeaningful, isSettled } from "./state_cache.ts";

/** 132 bits in base64url: more than any accident needs. */
const HASH_CHARS = 22;

export interface ValidatorOptions {
  /** Milliseconds since 1970, when the file was looked at. */
  readonly now: number;
  /** All of the file's bytes, where it is not settled and they are at hand. */
  readonly bytes?: Uint8Array | undefined;
  /** The coding of this variant; two variants of one file never share a tag (§8.8.3.3). */
  readonly coding?: ContentCoding | undefined;
}

/**
 * The validators of a file in a state. Once it has settled, its tag is made from size, dates and
 * inode number, without reading it. Before that its dates may stay the same while its bytes change:
 * then the tag is a hash of the bytes, and without them it is a weak one. Tags of the three kinds
 * never equal one another, so that a copy made too early is replaced later.
 */
export function toValidators(
  stat: FileStat,
  { now, bytes, coding }: ValidatorOptions,
): Validators {
  const variant = coding === undefined ? "" : `-${coding}`;
  return {
    etag: formatTag(stat, { now, bytes }, variant),
    // §8.8.2.1: never later than Date.
    lastModified: isMeaningful(stat.mtime)
      ? Math.floor(Math.min(stat.mtime, now) / 1000) * 1000
      : undefined,
  };
}

function formatTag(
  stat: FileStat,
  { now, bytes }: Pick<ValidatorOptions, "now" | "bytes">,
  variant: string,
): string | undefined {
  const { size, mtime, ctime, ino } = stat;
  const isStrong = isSettled(stat, now);
  if (!isStrong && bytes !== undefined) {
    const hash = digestBytes(bytes, "sha-256").toBase64({ alphabet: "base64url" });
    return `"${hash.slice(0, HASH_CHARS)}${variant}"`;
  }
  if (ctime === null && !isMeaningful(mtime)) return undefined;
  const identity = [size, mtime ?? 0, ctime ?? 0, ino ?? 0].map((n) => n.toString(36)).join("-");
  return isStrong ? `"${identity}${variant}"` : `W/"${identity}${variant}-new"`;
}
