/**
 * Records, of which all of the modern protocol is made, and lists of texts in them (docs/protocol.md,
 * "Records"). Bytes here are one character each in strings (Latin-1).
 */

import { ProtocolError } from "../base/errors.ts";
import { toLatin1Text, writeLatin1 } from "../base/latin1.ts";
import { MAX_TEXTS, MAX_TEXTS_BYTES } from "../base/limits.ts";

/** A type of one byte, a length of six. */
export const RECORD_HEAD_BYTES = 7;

/** Writes the head of a record; returns the offset behind it. */
export function writeRecordHead(
  target: Uint8Array,
  offset: number,
  { type, length }: { readonly type: number; readonly length: number },
): number {
  target[offset] = type;
  return writeLength(target, offset + 1, length);
}

/**
 * Writes an integer of six bytes; returns the offset behind it.
 *
 * @throws {RangeError} for one that takes more: what a visitor declares may be any number.
 */
export function writeLength(target: Uint8Array, offset: number, value: number): number {
  const high = Math.floor(value / 0x1_0000_0000);
  if (high > 0xffff) throw new RangeError(`Cannot encode length ${value}: six bytes are too few`);
  offset = writeUint16(target, offset, high);
  target[offset] = (value >>> 24) & 0xff;
  target[offset + 1] = (value >>> 16) & 0xff;
  target[offset + 2] = (value >>> 8) & 0xff;
  target[offset + 3] = value & 0xff;
  return offset + 4;
}

/** Reads an integer of six bytes, which have to be there. */
export function readLength(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let i = offset; i < offset + 6; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

/** Writes an integer of two bytes; returns the offset behind it. */
export function writeUint16(target: Uint8Array, offset: number, value: number): number {
  target[offset] = (value >>> 8) & 0xff;
  target[offset + 1] = value & 0xff;
  return offset + 2;
}

/** Reads an integer of two bytes, which have to be there. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

/** A record without payload. */
export function encodeEmptyRecord(type: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEAD_BYTES);
  bytes[0] = type;
  return bytes;
}

/** A whole record. */
export function encodeRecord(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEAD_BYTES + payload.length);
  bytes.set(payload, writeRecordHead(bytes, 0, { type, length: payload.length }));
  return bytes;
}

/**
 * How many bytes a list of texts takes.
 *
 * @throws {RangeError} where it is past the bounds of one list, or of one text.
 */
export function measureTexts(texts: readonly string[]): number {
  let length = 0;
  for (const text of texts) {
    if (text.length > 0xffff) throw new RangeError("Cannot encode text: it is over 65535 bytes");
    length += text.length;
  }
  if (texts.length > MAX_TEXTS || length > MAX_TEXTS_BYTES) {
    throw new RangeError(`Cannot encode texts: ${texts.length} of ${length} bytes are too many`);
  }
  return 2 + 2 * texts.length + length;
}

/** Writes a list of texts that was measured; returns the offset behind it. */
export function writeTexts(target: Uint8Array, offset: number, texts: readonly string[]): number {
  offset = writeUint16(target, offset, texts.length);
  for (const text of texts) offset = writeUint16(target, offset, text.length);
  return writeLatin1(target, offset, texts.length === 1 ? texts[0] ?? "" : texts.join(""));
}

/** Reads parts of a record's payload one after the other. */
export class PayloadReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #offset = 0;

  /** `what` names the record in errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  readByte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  readUint16(): number {
    return readUint16(this.#bytes, this.#take(2));
  }

  readLength(): number {
    return readLength(this.#bytes, this.#take(6));
  }

  readLatin1(length: number): string {
    const start = this.#take(length);
    return toLatin1Text(this.#bytes, start, start + length);
  }

  /** A list of texts; nothing is allocated for what is not there. */
  readTexts(): string[] {
    const count = this.readUint16();
    if (count > MAX_TEXTS) return this.fail(`there are more than ${MAX_TEXTS} texts`);
    const lengths = this.#take(2 * count);
    let total = 0;
    for (let i = 0; i < count; i++) total += readUint16(this.#bytes, lengths + 2 * i);
    if (total > MAX_TEXTS_BYTES) return this.fail(`texts are over ${MAX_TEXTS_BYTES} bytes`);
    const all = this.readLatin1(total);
    const texts: string[] = [];
    let at = 0;
    for (let i = 0; i < count; i++) {
      const end = at + readUint16(this.#bytes, lengths + 2 * i);
      texts.push(all.slice(at, end));
      at = end;
    }
    return texts;
  }

  /** All that is left; shares its memory with the payload. */
  readRest(): Uint8Array {
    const rest = this.#bytes.subarray(this.#offset);
    this.#offset = this.#bytes.length;
    return rest;
  }

  /** Nothing may be left. */
  expectEnd(): void {
    if (!this.isAtEnd) this.fail("bytes follow its last part");
  }

  /** @throws {ProtocolError} always. */
  fail(reason: string): never {
    throw new ProtocolError(`Cannot decode ${this.#what}: ${reason}`);
  }

  /** Steps over `length` bytes; the offset of the first. */
  #take(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) return this.fail("it is cut short");
    this.#offset = start + length;
    return start;
  }
}
