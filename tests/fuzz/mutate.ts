/** Bytes made a little wrong, as a seed has it. Pure. */

import type { SeededRandom } from "../support/seeded_random.ts";

/** Longest input, so that each is tried in little time. */
export const MAX_INPUT_BYTES = 64 * 1024;

const MAX_STEPS = 6;
/** Where numbers go wrong: around powers of two, and signs. */
const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff];
const TEXT_NUMBERS = [
  ...["0", "-1", "+1", "00", "0x10", "1e9", "2147483648", "4294967296", "9007199254740993"],
  ...["18446744073709551616", "99999999999999999999", "NaN"],
];

/** An input of the corpus after a few steps; `tokens` are what matters in its format. */
export function mutate(
  corpus: readonly Uint8Array[],
  tokens: readonly string[],
  random: SeededRandom,
): Uint8Array {
  let bytes: Uint8Array = random.pick(corpus);
  const steps = random.integer(1, MAX_STEPS);
  for (let i = 0; i < steps; i++) bytes = random.pick(STEPS)(bytes, { corpus, tokens, random });
  return bytes.slice(0, MAX_INPUT_BYTES);
}

interface Sources {
  readonly corpus: readonly Uint8Array[];
  readonly tokens: readonly string[];
  readonly random: SeededRandom;
}

type Step = (bytes: Uint8Array, sources: Sources) => Uint8Array;

const STEPS: readonly Step[] = [
  // A bit flips.
  (bytes, { random }) => {
    if (bytes.length === 0) return bytes;
    const copy = bytes.slice();
    const at = random.integer(0, copy.length - 1);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.integer(0, 7));
    return copy;
  },
  // A byte is another.
  (bytes, { random }) =>
    replace(bytes, random, random.integer(0, 1), Uint8Array.of(random.integer(0, 255))),
  // A part is missing.
  (bytes, { random }) => replace(bytes, random, random.integer(1, 16), new Uint8Array()),
  // A part comes again, many times perhaps.
  (bytes, { random }) => {
    const start = random.integer(0, bytes.length);
    const part = bytes.subarray(start, start + random.integer(1, 32));
    const times = random.chance(0.1) ? 2 ** random.integer(1, 10) : random.integer(1, 4);
    return join([bytes.subarray(0, start), ...Array(times).fill(part), bytes.subarray(start)]);
  },
  // It ends early.
  (bytes, { random }) => bytes.slice(0, random.integer(0, bytes.length)),
  // It goes on as another does.
  (bytes, { corpus, random }) => {
    const other = random.pick(corpus);
    return join([
      bytes.subarray(0, random.integer(0, bytes.length)),
      other.subarray(random.integer(0, other.length)),
    ]);
  },
  // Something that matters stands where it should not.
  (bytes, { tokens, random }) =>
    tokens.length === 0
      ? bytes
      : replace(bytes, random, random.integer(0, 8), fromText(random.pick(tokens))),
  // A number is another one.
  (bytes, { random }) => {
    const size = random.pick([1, 2, 4, 6, 8]);
    const number = new Uint8Array(size);
    let rest = random.pick(NUMBERS);
    for (let i = size - 1; i >= 0; i--) {
      number[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return replace(bytes, random, size, number);
  },
  (bytes, { random }) => {
    const digits = [...toText(bytes).matchAll(/[0-9]+/g)];
    if (digits.length === 0) return bytes;
    const { index, 0: old } = random.pick(digits);
    return join([
      bytes.subarray(0, index),
      fromText(random.pick(TEXT_NUMBERS)),
      bytes.subarray(index + old.length),
    ]);
  },
];

function replace(
  bytes: Uint8Array,
  random: SeededRandom,
  length: number,
  by: Uint8Array,
): Uint8Array {
  const at = random.integer(0, bytes.length);
  return join([bytes.subarray(0, at), by, bytes.subarray(at + length)]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** One character per byte. */
export function toText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function fromText(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
}

/** The same bytes in pieces, some of one byte. */
export function split(bytes: Uint8Array, random: SeededRandom): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const longest = random.pick([1, 3, 50, 5000]);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + random.integer(1, longest));
    // A copy: some readers change what they are given.
    pieces.push(bytes.slice(at, end));
    at = end;
  }
  return pieces;
}
