/** The header blocks of a tar entry (POSIX.1-2001, "pax Interchange Format" and "ustar"). */

import type { ArchiveEntry } from "./entry.ts";
import { toEntryName } from "./entry_name.ts";

/** Headers and contents take whole blocks. */
export const BLOCK_BYTES = 512;

const MAX_NAME_BYTES = 100;
/** What eleven octal digits hold. */
const MAX_NUMBER = 8 ** 11 - 1;

const TYPE_FILE = "0";
const TYPE_FOLDER = "5";
const TYPE_PAX = "x";

const encoder = new TextEncoder();

/** The header of an entry with so many bytes of content: one block, or three and more with pax. */
export function tarHeader({ path, kind, mtime }: ArchiveEntry, size: number): Uint8Array {
  const isFolder = kind === "directory";
  const name = toEntryName(path, { isFolder });
  const seconds = Math.floor((mtime ?? 0) / 1000);
  const records: string[] = [];
  if (!isPlain(name)) records.push(paxRecord("path", name));
  if (size > MAX_NUMBER) records.push(paxRecord("size", size));
  if (seconds < 0 || seconds > MAX_NUMBER) records.push(paxRecord("mtime", seconds));
  const header = ustarHeader({
    name: toPlain(name),
    mode: isFolder ? 0o755 : 0o644,
    size: clamp(size),
    seconds: clamp(seconds),
    type: isFolder ? TYPE_FOLDER : TYPE_FILE,
  });
  return records.length === 0 ? header : withPax(header, records);
}

function withPax(header: Uint8Array, records: readonly string[]): Uint8Array {
  const text = encoder.encode(records.join(""));
  const textBlocks = Math.ceil(text.length / BLOCK_BYTES);
  const bytes = new Uint8Array((textBlocks + 2) * BLOCK_BYTES);
  const name = "././@PaxHeader"; // as GNU tar and Python name it
  bytes.set(ustarHeader({ name, mode: 0o644, size: text.length, seconds: 0, type: TYPE_PAX }));
  bytes.set(text, BLOCK_BYTES);
  bytes.set(header, (textBlocks + 1) * BLOCK_BYTES);
  return bytes;
}

/** `LENGTH KEY=VALUE\n`, where the length counts the whole record, its own digits too. */
function paxRecord(key: string, value: string | number): string {
  const rest = ` ${key}=${value}\n`;
  const restLength = encoder.encode(rest).length;
  let length = restLength;
  while (length !== restLength + String(length).length) {
    length = restLength + String(length).length;
  }
  return `${length}${rest}`;
}

function ustarHeader(
  { name, mode, size, seconds, type }: {
    readonly name: string;
    readonly mode: number;
    readonly size: number;
    readonly seconds: number;
    readonly type: string;
  },
): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => bytes.set(encoder.encode(text), at);
  put(0, name);
  put(100, octal(mode, 7));
  put(108, octal(0, 7)); // owner
  put(116, octal(0, 7)); // group
  put(124, octal(size, 11));
  put(136, octal(seconds, 11));
  put(148, "        "); // the checksum is taken over spaces in its place
  put(156, type);
  put(257, "ustar\x0000");
  put(148, `${octal(bytes.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return bytes;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), MAX_NUMBER);
}

function isPlain(name: string): boolean {
  return name.length <= MAX_NAME_BYTES && /^[\x20-\x7e]*$/.test(name);
}

/** The nearest name that ustar holds: what a reader sees that knows no pax. */
function toPlain(name: string): string {
  return name.replace(/[^\x20-\x7e]/gu, "_").slice(-MAX_NAME_BYTES);
}
