/** Bytes for tests: written as hex, in pieces, and of a pattern. */

import { Buffer } from "node:buffer";

/** The id of the examples in docs/protocol.md. */
export const ID = "01KVR8V0P6GQ4ZB7M3E9T5XAWC";

/** White space is ignored. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ""), "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** One byte per character. */
export function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Bytes that are not the same if parts of them are lost, doubled or changed about. */
export function patternOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff);
}

/** The bytes in pieces of `size`, each with memory of its own. */
export function piecesOf(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    pieces.push(new Uint8Array(bytes.subarray(at, at + size)));
  }
  return pieces;
}

/** The bytes cut at offsets in any order, of which each is taken modulo the length and one. */
export function cutAt(bytes: Uint8Array, offsets: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const cuts = offsets.map((offset) => offset % (bytes.length + 1)).sort((a, b) => a - b);
  return [...cuts, bytes.length].map((end, i) =>
    new Uint8Array(bytes.subarray(cuts[i - 1] ?? 0, end))
  );
}

/** Bytes of which no two stretches are alike, so that a misplaced one shows. */
export function toUneven(length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(at + 1, 0x9e3779b1);
  return new Uint8Array(words.buffer, 0, length);
}
