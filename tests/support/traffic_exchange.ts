/**
 * What visitors of the traffic ask for. All of an exchange's bytes follow from its seed and number,
 * so that either end can make and check each of them without having stored any.
 */

export type TrafficKind =
  /** Bytes of the answer; none are sent up. */
  | "answer"
  /** What is sent up comes back. */
  | "echo"
  /** What is sent up is checked there; the answer says that it was right. */
  | "sink"
  /** An answer that trickles, as server-sent events do. */
  | "events"
  /** An upgrade; what is said there comes back. */
  | "socket";

export interface TrafficExchange {
  readonly kind: TrafficKind;
  /** Of the traffic as a whole. */
  readonly seed: number;
  /** Given once in a traffic. */
  readonly number: number;
  /** Of the body that matters, in bytes. */
  readonly length: number;
  /** True if the answer is to come without its length. */
  readonly isChunked: boolean;
}

/** Path and query by which an exchange is asked for; begins with a slash. */
export function toTrafficPath({ kind, seed, number, length, isChunked }: TrafficExchange): string {
  return `/traffic/${kind}/${seed}/${number}/${length}${isChunked ? "?chunked" : ""}`;
}

/** The exchange that a target asks for; undefined for another target. */
export function parseTrafficPath(target: string): TrafficExchange | undefined {
  const parts = /^\/traffic\/(answer|echo|sink|events|socket)\/(\d+)\/(\d+)\/(\d+)(\?chunked)?$/
    .exec(target);
  if (parts === null) return undefined;
  const [, kind, seed, number, length, chunked] = parts;
  return {
    kind: kind as TrafficKind,
    seed: Number(seed),
    number: Number(number),
    length: Number(length),
    isChunked: chunked !== undefined,
  };
}

/** Says which bytes: those that go up, or those that come down. */
export type Direction = "up" | "down";

/** The bytes of one direction of an exchange. No two stretches of any two are alike. */
export class TrafficBytes {
  readonly #key: number;

  constructor({ seed, number }: Pick<TrafficExchange, "seed" | "number">, direction: Direction) {
    const own = mix(seed ^ mix(number * 2 + (direction === "up" ? 0 : 1)));
    this.#key = own;
  }

  /** Those from an offset on. */
  slice(from: number, length: number): Uint8Array<ArrayBuffer> {
    const first = Math.floor(from / 4);
    const words = new Uint32Array(Math.ceil((from % 4 + length) / 4));
    for (let at = 0; at < words.length; at++) words[at] = this.#word(first + at);
    return new Uint8Array(words.buffer, from % 4, length);
  }

  /** Where bytes that came from an offset on differ first, counted from there; -1 for nowhere. */
  findDifference(bytes: Uint8Array, from: number): number {
    for (let at = 0; at < bytes.length;) {
      const offset = from + at;
      let word = this.#word(Math.floor(offset / 4)) >>> (offset % 4 * 8);
      for (let left = 4 - offset % 4; left > 0 && at < bytes.length; left--) {
        if (bytes[at] !== (word & 0xff)) return at;
        word >>>= 8;
        at++;
      }
    }
    return -1;
  }

  #word(index: number): number {
    return mix(Math.imul(index + 1, 0x9e3779b1) ^ this.#key);
  }
}

/** Spreads a change of any bit over all of them (the end of MurmurHash3). */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Follows bytes as they come, and tells the first one that is wrong. */
export class TrafficCheck {
  readonly #bytes: TrafficBytes;
  #offset: number;
  #fault: string | undefined;

  constructor(bytes: TrafficBytes, from = 0) {
    this.#bytes = bytes;
    this.#offset = from;
  }

  /** How far it has come. */
  get offset(): number {
    return this.#offset;
  }

  /** What was wrong; undefined so far. */
  get fault(): string | undefined {
    return this.#fault;
  }

  push(chunk: Uint8Array): void {
    if (this.#fault === undefined) {
      const at = this.#bytes.findDifference(chunk, this.#offset);
      if (at >= 0) this.#fault = `byte ${this.#offset + at} is wrong`;
    }
    this.#offset += chunk.length;
  }
}
