/**
 * The part of MessagePack that the classic protocol is made of: arrays, maps, strings, nil and
 * unsigned integers. Written here, not taken from a package, because a decoder must say where and
 * why it refuses, and must never allocate by a length that a peer declares: every element that is
 * announced has to be present as bytes before anything grows.
 */

import { ProtocolError } from "../base/errors.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** Reads values off a byte array; each read throws a ProtocolError that names place and path. */
export class MsgpackReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #offset = 0;
  readonly #path: (string | number)[] = [];

  /** `what` names the message in errors, as in "Cannot decode poll body: …". */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** Runs `read` with `step` added to the path that errors name. */
  within<T>(step: string | number, read: () => T): T {
    this.#path.push(step);
    const value = read();
    this.#path.pop();
    return value;
  }

  /** True if the next value is a map; consumes nothing. */
  isMapNext(): boolean {
    const tag = this.#peek();
    return (tag & 0xf0) === 0x80 || tag === 0xde || tag === 0xdf;
  }

  /** True if the next value is a string; consumes nothing. */
  isStringNext(): boolean {
    const tag = this.#peek();
    return (tag & 0xe0) === 0xa0 || (tag >= 0xd9 && tag <= 0xdb);
  }

  /** The head of an array: how many values follow. */
  readArrayLength(): number {
    const tag = this.#peek();
    if ((tag & 0xf0) === 0x90) return this.#fixed(tag & 0x0f);
    if (tag === 0xdc) return this.#length(2, 1);
    if (tag === 0xdd) return this.#length(4, 1);
    return this.fail("expected an array");
  }

  /** The head of a map: how many pairs follow. */
  readMapLength(): number {
    const tag = this.#peek();
    if ((tag & 0xf0) === 0x80) return this.#fixed(tag & 0x0f);
    if (tag === 0xde) return this.#length(2, 2);
    if (tag === 0xdf) return this.#length(4, 2);
    return this.fail("expected a map");
  }

  readString(): string {
    const tag = this.#peek();
    let length: number;
    if ((tag & 0xe0) === 0xa0) length = this.#fixed(tag & 0x1f);
    else if (tag === 0xd9) length = this.#length(1, 1);
    else if (tag === 0xda) length = this.#length(2, 1);
    else if (tag === 0xdb) length = this.#length(4, 1);
    else return this.fail("expected a string");
    const start = this.#offset;
    if (length > this.#bytes.length - start) return this.fail("string is cut short");
    this.#offset = start + length;
    try {
      return strictUtf8.decode(this.#bytes.subarray(start, this.#offset));
    } catch {
      this.#offset = start;
      return this.fail("string is not UTF-8");
    }
  }

  readNil(): void {
    if (this.#peek() !== 0xc0) this.fail("expected nil");
    this.#offset++;
  }

  /** An integer from 0 to `max`, in any of MessagePack's encodings. */
  readUnsigned(max: number): number {
    const tag = this.#peek();
    const start = this.#offset;
    let value: number;
    if (tag <= 0x7f) value = this.#fixed(tag);
    else if (tag >= 0xcc && tag <= 0xcf) value = this.#integer(1 << (tag - 0xcc));
    // Signed forms: a negative number reads as one far above any bound in use here.
    else if (tag >= 0xd0 && tag <= 0xd3) value = this.#integer(1 << (tag - 0xd0), true);
    else return this.fail("expected an unsigned integer");
    if (value >= 0 && value <= max) return value;
    this.#offset = start;
    return this.fail(`expected an integer from 0 to ${max}`);
  }

  /** @throws {ProtocolError} always, naming the message, the place and the path. */
  fail(reason: string): never {
    const path = this.#path.map((step) => typeof step === "number" ? `[${step}]` : `.${step}`)
      .join("").replace(/^\./, "");
    throw new ProtocolError(
      `Cannot decode ${this.#what}: ${reason} at byte ${this.#offset}` +
        (path === "" ? "" : ` (${path})`),
    );
  }

  #peek(): number {
    const tag = this.#bytes[this.#offset];
    return tag === undefined ? this.fail("message is cut short") : tag;
  }

  #fixed(value: number): number {
    this.#offset++;
    return value;
  }

  /** A declared count in `size` bytes, of things that take `unit` bytes each at the least. */
  #length(size: number, unit: number): number {
    const start = this.#offset;
    const count = this.#integer(size);
    if (count * unit <= this.#bytes.length - this.#offset) return count;
    this.#offset = start;
    return this.fail(`${count} elements are announced, more than the bytes that follow`);
  }

  #integer(size: number, signed = false): number {
    const end = this.#offset + 1 + size;
    if (end > this.#bytes.length) this.fail("message is cut short");
    let value = 0;
    for (let i = this.#offset + 1; i < end; i++) value = value * 256 + (this.#bytes[i] ?? 0);
    const isNegative = signed && ((this.#bytes[this.#offset + 1] ?? 0) & 0x80) !== 0;
    this.#offset = end;
    return isNegative ? -1 : value;
  }
}

/** Builds a message, always in the shortest encoding. */
export class MsgpackWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  writeArrayLength(count: number): this {
    return this.#head(count, 0x90, 15, [undefined, 0xdc, 0xdd]);
  }

  writeMapLength(count: number): this {
    return this.#head(count, 0x80, 15, [undefined, 0xde, 0xdf]);
  }

  writeString(text: string): this {
    const bytes = utf8.encode(text);
    this.#head(bytes.length, 0xa0, 31, [0xd9, 0xda, 0xdb]);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  writeNil(): this {
    return this.#byte(0xc0);
  }

  /** @throws {RangeError} unless `value` is an integer from 0 to 255. */
  writeByte(value: number): this {
    if (!(value >= 0 && value <= 0xff)) {
      throw new RangeError(`Cannot write byte: current value is ${value}`);
    }
    return value < 0x80 ? this.#byte(value) : this.#byte(0xcc).#byte(value);
  }

  /** What was written so far; the writer is not to be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #head(
    count: number,
    fix: number,
    fixMax: number,
    tags: readonly [number | undefined, number, number],
  ): this {
    if (count <= fixMax) return this.#byte(fix | count);
    const [tag8, tag16, tag32] = tags;
    if (tag8 !== undefined && count <= 0xff) return this.#byte(tag8).#byte(count);
    if (count <= 0xffff) return this.#byte(tag16).#byte(count >>> 8).#byte(count & 0xff);
    this.#byte(tag32);
    for (let shift = 24; shift >= 0; shift -= 8) this.#byte((count >>> shift) & 0xff);
    return this;
  }

  #byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
