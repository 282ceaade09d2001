/** Writes one answer to a socket: its head together with the first bytes, then piece by piece. */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { MAX_PIECE_BYTES } from "../base/limits.ts";
import { joinLatin1 } from "./latin1.ts";
import { freeChunk } from "./owned_chunks.ts";

/** An answer on its way. */
export interface Ongoing {
  /** True where nothing more is needed of whoever gave it. */
  readonly isAllHere: boolean;
  /** The connection is gone. */
  abandon(): void;
}

export interface AnswerWriterOptions {
  /** Everything up to the body. */
  readonly head: string;
  readonly isChunked: boolean;
  /** There is room again, after {@linkcode AnswerWriter.write} has said that there is none. */
  readonly drained: () => void;
  /** All of the answer has been handed to the network; called once, never if that fails. */
  readonly handedOver: () => void;
}

/**
 * No more than a piece is on its way at a time: then the silence watch sees a slow reader move, and
 * others have a turn. What the socket says is not enough, since it takes any number of bytes as long
 * as the system does.
 */
export class AnswerWriter implements Ongoing {
  readonly isAllHere = true;
  readonly #socket: Socket;
  readonly #options: AnswerWriterOptions;
  /** The head until it is written, then nothing. */
  #head: string;
  /** What is left of the bytes given last. */
  #rest: Uint8Array | undefined;
  /** Those bytes, where their memory is to be given back once they are written. */
  #owned: Uint8Array | undefined;
  /** What comes behind the body, once that has ended. */
  #tail: string | undefined;
  #isEnded = false;
  /** Bytes that have not been handed to the network. */
  #pendingBytes = 0;
  #isFull = false;

  constructor(socket: Socket, options: AnswerWriterOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#head = options.head;
  }

  /** Sends the head, if the body has not taken it along. */
  flushHead(): void {
    if (this.#head !== "") this.#write(joinLatin1(this.#head, NO_BYTES));
    this.#head = "";
  }

  /**
   * Some of the body, not empty; false if no more may be given before there is room again. `isOwned`
   * for what nobody else holds: its memory is given back.
   */
  write(bytes: Uint8Array, isOwned: boolean): boolean {
    this.#rest = bytes;
    this.#owned = isOwned ? bytes : undefined;
    this.#writeRest();
    this.#isFull = this.#pendingBytes >= MAX_PIECE_BYTES;
    return !this.#isFull;
  }

  /** The body has ended; `tail` is what chunked coding has behind it. */
  end(tail: string): void {
    this.#tail = tail;
    if (this.#rest === undefined) this.#writeTail();
  }

  abandon(): void {
    this.#rest = undefined;
  }

  #writeRest(): void {
    while (this.#rest !== undefined && this.#pendingBytes < MAX_PIECE_BYTES) {
      const rest: Uint8Array = this.#rest;
      const isLast = rest.length <= MAX_PIECE_BYTES;
      this.#rest = isLast ? undefined : rest.subarray(MAX_PIECE_BYTES);
      if (isLast) this.#writePiece(rest, this.#owned);
      else this.#writePiece(rest.subarray(0, MAX_PIECE_BYTES), undefined);
    }
  }

  /** `owned` is what has been written whole with this piece. */
  #writePiece(piece: Uint8Array, owned: Uint8Array | undefined): void {
    const { isChunked } = this.#options;
    // RFC 9112 §7.1: a chunk's size, itself, and a line's end.
    const before = isChunked ? `${this.#head}${piece.length.toString(16)}\r\n` : this.#head;
    this.#head = "";
    if (before === "") return this.#write(piece, owned);
    if (piece.length <= MAX_COPIED_BYTES) {
      this.#write(joinLatin1(before, piece, isChunked ? "\r\n" : ""));
      if (owned !== undefined) freeChunk(owned);
      return;
    }
    // One system call for all. The piece stands for what is around it.
    this.#socket.cork();
    this.#socket.write(joinLatin1(before, NO_BYTES));
    this.#write(piece, owned);
    if (isChunked) this.#socket.write(LINE_END);
    this.#socket.uncork();
  }

  #writeTail(): void {
    const text = this.#head + this.#tail;
    this.#head = "";
    this.#tail = undefined;
    this.#isEnded = true;
    if (text !== "") this.#write(joinLatin1(text, NO_BYTES));
    else if (this.#pendingBytes === 0) this.#options.handedOver();
  }

  #write(bytes: Uint8Array, owned?: Uint8Array): void {
    const { length } = bytes;
    this.#pendingBytes += length;
    this.#socket.write(bytes, (error) => {
      // The close event tells of it.
      if (error !== undefined && error !== null) return;
      if (owned !== undefined) freeChunk(owned);
      this.#pendingBytes -= length;
      this.#goOn();
    });
  }

  #goOn(): void {
    if (this.#isEnded) {
      if (this.#pendingBytes === 0) this.#options.handedOver();
      return;
    }
    this.#writeRest();
    if (this.#rest === undefined && this.#tail !== undefined) this.#writeTail();
    if (!this.#isFull || this.#pendingBytes >= MAX_PIECE_BYTES) return;
    this.#isFull = false;
    this.#options.drained();
  }
}

const NO_BYTES = new Uint8Array();
const LINE_END = Buffer.from("\r\n");

/** Up to this size a copy costs less than a write of three things at once. */
const MAX_COPIED_BYTES = 8 * 1024;
