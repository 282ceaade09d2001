/**
 * The records of a zip file, byte for byte (PKWARE APPNOTE 6.3, sections 4.3 and 4.5). Zip64 forms
 * are used where a number needs them, and nowhere else: some readers know only the old ones.
 */

const ZIP64_VERSION = 45;
const VERSION = 20;
/** Made on Unix: the upper half of the external attributes is a file mode. */
const MADE_BY_UNIX = 3 << 8;
const FILE_MODE = 0o100644;
const FOLDER_MODE = 0o040755;
const DOS_FOLDER = 0x10;

const FLAG_DESCRIPTOR = 1 << 3;
const FLAG_UTF8 = 1 << 11;

const ZIP64_EXTRA = 0x0001;
/** The "extended timestamp" of Info-ZIP: a date in UTC, where the old field has none. */
const TIME_EXTRA = 0x5455;
const HAS_MTIME = 1;

export const MAX_UINT16 = 0xffff;
export const MAX_UINT32 = 0xffffffff;

export const METHOD_STORE = 0;
export const METHOD_DEFLATE = 8;

/** What is known of an entry when its header is written. */
export interface ZipHeader {
  /** In UTF-8, at most MAX_UINT16 bytes. */
  readonly name: Uint8Array;
  readonly isFolder: boolean;
  readonly method: typeof METHOD_STORE | typeof METHOD_DEFLATE;
  /** Last change in milliseconds since 1970, or null. */
  readonly mtime: number | null;
  /** Sizes and checksum follow the content; without, there is no content. */
  readonly hasDescriptor: boolean;
  /** The descriptor has sizes of 8 bytes. */
  readonly isZip64: boolean;
}

/** What is known when its content was written. */
export interface ZipContent {
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
}

type Field = readonly [bytes: 2 | 4 | 8, value: number];

/** The local file header. Its sizes and checksum are 0: the descriptor tells them. */
export function localHeader(header: ZipHeader): Uint8Array {
  const extra = [
    // §4.5.3: both sizes, in this order, though not known yet.
    ...header.isZip64 ? [pack([2, ZIP64_EXTRA], [2, 16], [8, 0], [8, 0])] : [],
    ...timeExtra(header.mtime),
  ];
  const size = header.isZip64 ? MAX_UINT32 : 0;
  return concat([
    pack(
      [4, 0x04034b50],
      ...commonFields(header, header.isZip64),
      [4, 0], // CRC-32
      [4, size],
      [4, size],
      [2, header.name.length],
      [2, totalLength(extra)],
    ),
    header.name,
    ...extra,
  ]);
}

/** The data descriptor, which follows the content of an entry. */
export function dataDescriptor(
  { isZip64 }: ZipHeader,
  { crc, compressedSize, size }: ZipContent,
): Uint8Array {
  const bytes = isZip64 ? 8 : 4;
  return pack([4, 0x08074b50], [4, crc], [bytes, compressedSize], [bytes, size]);
}

/** The entry's record in the central directory; `offset` is that of its local header. */
export function centralRecord(
  header: ZipHeader,
  { crc, compressedSize, size, offset }: ZipContent & { readonly offset: number },
): Uint8Array {
  // §4.5.3: only the numbers that do not fit, in this order.
  const big = [size, compressedSize, offset].filter((value) => value >= MAX_UINT32);
  const extra = [
    ...big.length > 0
      ? [pack([2, ZIP64_EXTRA], [2, big.length * 8], ...big.map((value): Field => [8, value]))]
      : [],
    ...timeExtra(header.mtime),
  ];
  return concat([
    pack(
      [4, 0x02014b50],
      [2, MADE_BY_UNIX | ZIP64_VERSION],
      ...commonFields(header, header.isZip64 || big.length > 0),
      [4, crc],
      [4, Math.min(compressedSize, MAX_UINT32)],
      [4, Math.min(size, MAX_UINT32)],
      [2, header.name.length],
      [2, totalLength(extra)],
      [2, 0], // comment
      [2, 0], // disk
      [2, 0], // internal attributes
      [2, header.isFolder ? DOS_FOLDER : 0],
      [2, header.isFolder ? FOLDER_MODE : FILE_MODE],
      [4, Math.min(offset, MAX_UINT32)],
    ),
    header.name,
    ...extra,
  ]);
}

/** The records that end the file; `offset` and `length` are those of the central directory. */
export function endRecords(
  { count, offset, length }: {
    readonly count: number;
    readonly offset: number;
    readonly length: number;
  },
): Uint8Array {
  const isZip64 = count >= MAX_UINT16 || offset >= MAX_UINT32 || length >= MAX_UINT32;
  const zip64: Field[] = [
    [4, 0x06064b50],
    [8, 44], // length of what follows in this record
    [2, MADE_BY_UNIX | ZIP64_VERSION],
    [2, ZIP64_VERSION],
    [4, 0], // this disk
    [4, 0], // the directory's disk
    [8, count],
    [8, count],
    [8, length],
    [8, offset],
    // The locator.
    [4, 0x07064b50],
    [4, 0],
    [8, offset + length],
    [4, 1], // disks
  ];
  return pack(
    ...isZip64 ? zip64 : [],
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(count, MAX_UINT16)],
    [2, Math.min(count, MAX_UINT16)],
    [4, Math.min(length, MAX_UINT32)],
    [4, Math.min(offset, MAX_UINT32)],
    [2, 0], // comment
  );
}

/** The fields that a local header and a record of the directory have in common. */
function commonFields(
  { method, mtime, hasDescriptor }: ZipHeader,
  needsZip64: boolean,
): readonly Field[] {
  const { date, time } = toDosTime(mtime);
  return [
    [2, needsZip64 ? ZIP64_VERSION : VERSION],
    [2, FLAG_UTF8 | (hasDescriptor ? FLAG_DESCRIPTOR : 0)],
    [2, method],
    [2, time],
    [2, date],
  ];
}

/** Two seconds exact, 1980 to 2107, and of no time zone: UTC here, as good as any. */
function toDosTime(mtime: number | null): { readonly date: number; readonly time: number } {
  const first = Date.UTC(1980, 0, 1);
  const last = Date.UTC(2107, 11, 31, 23, 59, 58);
  const at = new Date(Math.min(Math.max(mtime ?? first, first), last));
  return {
    date: (at.getUTCFullYear() - 1980) << 9 | (at.getUTCMonth() + 1) << 5 | at.getUTCDate(),
    time: at.getUTCHours() << 11 | at.getUTCMinutes() << 5 | at.getUTCSeconds() >> 1,
  };
}

function timeExtra(mtime: number | null): readonly Uint8Array[] {
  if (mtime === null) return [];
  const seconds = Math.floor(mtime / 1000);
  if (seconds !== (seconds | 0)) return []; // the field ends in 2038
  return [concat([pack([2, TIME_EXTRA], [2, 5]), Uint8Array.of(HAS_MTIME), pack([4, seconds])])];
}

function pack(...fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(totalLength(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function totalLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
